DROP INDEX credentials_ends_on_use;
ALTER TABLE credentials DROP COLUMN ends_on_use;
ALTER TABLE credentials DROP COLUMN rotated_at;
ALTER TABLE credentials DROP COLUMN rotated_to;
