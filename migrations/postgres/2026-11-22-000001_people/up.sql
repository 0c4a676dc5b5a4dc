-- The same as migrations/sqlite, column by column; a test compares the two.

-- An organization that ended keeps its row: ids, numbers and slugs do not come again.
ALTER TABLE organizations ADD COLUMN ended_at TIMESTAMP;
