-- What ends soon: counted for the metrics.
CREATE INDEX credentials_expires_at ON credentials (expires_at) WHERE revoked_at IS NULL AND expires_at IS NOT NULL;
