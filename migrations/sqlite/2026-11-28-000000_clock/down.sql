DROP TABLE mass_changes;
DROP TABLE clock;
