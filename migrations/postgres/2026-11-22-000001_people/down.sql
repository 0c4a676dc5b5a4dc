ALTER TABLE organizations DROP COLUMN ended_at;
