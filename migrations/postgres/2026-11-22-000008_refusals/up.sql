-- The last requests in which each credential was refused. No foreign key, as with the counts: one that comes late for a
-- credential that is gone must not stop the others.
CREATE TABLE refusals (
    request_id TEXT NOT NULL PRIMARY KEY,
    credential_id TEXT NOT NULL,
    refused_at TIMESTAMP NOT NULL,
    reason TEXT NOT NULL,
    address TEXT
);
CREATE INDEX refusals_credential ON refusals (credential_id, refused_at);

-- What was done in a request.
CREATE INDEX audit_request ON audit (request_id) WHERE request_id IS NOT NULL;
