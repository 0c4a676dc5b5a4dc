-- The same table as migrations/sqlite, column by column; a test compares the two.

CREATE TABLE invitations (
    id TEXT NOT NULL PRIMARY KEY,
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    email TEXT NOT NULL,
    role TEXT NOT NULL,
    member_groups TEXT,
    secret_hash BYTEA NOT NULL UNIQUE CHECK (length(secret_hash) = 32),
    created_at TIMESTAMP NOT NULL,
    created_seq BIGINT NOT NULL,
    created_by TEXT NOT NULL REFERENCES users (id),
    expires_at TIMESTAMP NOT NULL,
    accepted_at TIMESTAMP,
    accepted_by TEXT REFERENCES users (id),
    withdrawn_at TIMESTAMP
);
CREATE INDEX invitations_organization ON invitations (organization_id, created_seq);
