-- What is removed when it is old enough is found by its age.
CREATE INDEX usage_counts_day ON usage_counts (day);
CREATE INDEX refusals_refused_at ON refusals (refused_at);
CREATE INDEX audit_created_at ON audit (created_at);
CREATE INDEX invitations_ended_at ON invitations (COALESCE(withdrawn_at, accepted_at, expires_at));
CREATE INDEX credentials_revoked_at ON credentials (revoked_at) WHERE revoked_at IS NOT NULL;

-- What of an owner may still be alive, however much of it is dead: counted under the lock of all changes.
CREATE INDEX credentials_owner_live ON credentials (owner_id, organization_id, expires_at) WHERE revoked_at IS NULL;
