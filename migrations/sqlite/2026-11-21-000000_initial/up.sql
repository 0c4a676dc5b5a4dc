-- The same tables as migrations/postgres, column by column; a test compares the two.
-- WITHOUT ROWID where rows are short and an exchange finds them by their key: one page less to read each.

CREATE TABLE list_head (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    seq BIGINT NOT NULL,
    pruned_to BIGINT NOT NULL
);
INSERT INTO list_head (id, seq, pruned_to) VALUES (1, 0, 0);

CREATE TABLE list_entries (
    seq BIGINT NOT NULL PRIMARY KEY,
    credential_id TEXT,
    user_id TEXT,
    organization_id TEXT,
    revokes BOOLEAN NOT NULL,
    created_at TIMESTAMP NOT NULL
);
CREATE INDEX list_entries_created_at ON list_entries (created_at);

CREATE TABLE numbers (
    name TEXT NOT NULL PRIMARY KEY,
    last BIGINT NOT NULL
);
INSERT INTO numbers (name, last) VALUES ('organization', 0), ('user', 0), ('credential', 0);

CREATE TABLE organizations (
    id TEXT NOT NULL PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    policy TEXT NOT NULL,
    policy_seq BIGINT NOT NULL,
    revoked_seq BIGINT NOT NULL,
    created_at TIMESTAMP NOT NULL
);

CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    email TEXT UNIQUE,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    password_hash TEXT,
    operator_since TIMESTAMP,
    disabled_at TIMESTAMP,
    revoked_seq BIGINT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    CHECK (email IS NOT NULL OR kind <> 'person')
) WITHOUT ROWID;

CREATE TABLE memberships (
    organization_id TEXT NOT NULL REFERENCES organizations (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    role TEXT NOT NULL,
    member_groups TEXT,
    created_at TIMESTAMP NOT NULL,
    ended_at TIMESTAMP,
    revoked_seq BIGINT NOT NULL,
    PRIMARY KEY (organization_id, user_id)
) WITHOUT ROWID;
CREATE INDEX memberships_user_id ON memberships (user_id);

CREATE TABLE credentials (
    id TEXT NOT NULL PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    organization_id TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    permission TEXT NOT NULL,
    scopes TEXT,
    audiences TEXT,
    secret_hash BLOB NOT NULL UNIQUE CHECK (length(secret_hash) = 32),
    created_at TIMESTAMP NOT NULL,
    created_seq BIGINT NOT NULL,
    created_by TEXT REFERENCES users (id),
    expires_at TIMESTAMP,
    revoked_at TIMESTAMP,
    revoked_by TEXT REFERENCES users (id),
    revoked_reason TEXT,
    rotated_from TEXT REFERENCES credentials (id),
    last_used_at TIMESTAMP,
    last_used_from TEXT,
    FOREIGN KEY (organization_id, owner_id) REFERENCES memberships (organization_id, user_id)
);
CREATE INDEX credentials_owner ON credentials (owner_id, organization_id, number);

CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    secret_hash BLOB NOT NULL UNIQUE CHECK (length(secret_hash) = 32),
    user_id TEXT NOT NULL REFERENCES users (id),
    created_at TIMESTAMP NOT NULL,
    last_seen_at TIMESTAMP NOT NULL
);
CREATE INDEX sessions_user_id ON sessions (user_id);

CREATE TABLE sealed_keys (
    kid TEXT NOT NULL PRIMARY KEY,
    purpose TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    sealed BLOB NOT NULL,
    created_at TIMESTAMP NOT NULL,
    activates_at TIMESTAMP NOT NULL
);

-- No foreign key: a count that comes late for a credential that is gone must not stop the others.
CREATE TABLE usage_counts (
    credential_id TEXT NOT NULL,
    day TEXT NOT NULL,
    outcome TEXT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (credential_id, day, outcome)
);

CREATE TABLE audit (
    id TEXT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    organization_id TEXT,
    actor_user_id TEXT,
    actor_credential_id TEXT,
    action TEXT NOT NULL,
    subject_id TEXT,
    address TEXT,
    detail TEXT
);
CREATE INDEX audit_organization ON audit (organization_id, seq);
