-- The last addresses from which each credential was used. No foreign key, as with the counts.
CREATE TABLE usage_addresses (
    credential_id TEXT NOT NULL,
    address TEXT NOT NULL,
    first_used_at TIMESTAMP NOT NULL,
    last_used_at TIMESTAMP NOT NULL,
    exchanges BIGINT NOT NULL,
    PRIMARY KEY (credential_id, address)
);
