-- The same table as migrations/sqlite, column by column; a test compares the two.

-- Requests with an Idempotency-Key, for a day. Only hashes: of the key with its caller, and of what was asked. No foreign key:
-- what was made may be of any kind.
CREATE TABLE idempotency_keys (
    key_hash BYTEA NOT NULL PRIMARY KEY CHECK (length(key_hash) = 32),
    request_hash BYTEA NOT NULL CHECK (length(request_hash) = 32),
    created_id TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL
);
CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);
