-- The same table as migrations/postgres, column by column; a test compares the two.

-- Requests with an Idempotency-Key, for a day. Only hashes: of the key with its caller, and of what was asked. No foreign key:
-- what was made may be of any kind.
CREATE TABLE idempotency_keys (
    key_hash BLOB NOT NULL PRIMARY KEY CHECK (length(key_hash) = 32),
    request_hash BLOB NOT NULL CHECK (length(request_hash) = 32),
    created_id TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL
) WITHOUT ROWID;
CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);
