-- The same columns as migrations/postgres; a test compares the two.

-- The number of the last change of the keys: who has read them before it reads them again.
ALTER TABLE list_head ADD COLUMN keys_seq BIGINT NOT NULL DEFAULT 0;
-- The number of the change that made the key: in this order keys take over from each other.
ALTER TABLE sealed_keys ADD COLUMN created_seq BIGINT NOT NULL DEFAULT 0;
-- From then on it neither signs nor is published.
ALTER TABLE sealed_keys ADD COLUMN withdrawn_at TIMESTAMP;
