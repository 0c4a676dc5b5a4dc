-- Rows from before have neither.
ALTER TABLE audit ADD COLUMN request_id TEXT;
ALTER TABLE audit ADD COLUMN via TEXT;

-- Newest first: all of an organization's, or of none; and those that name one action, actor, token or subject.
DROP INDEX audit_organization;
CREATE INDEX audit_organization ON audit (organization_id, created_at, id);
CREATE INDEX audit_action ON audit (organization_id, action, created_at, id);
CREATE INDEX audit_actor ON audit (organization_id, actor_user_id, created_at, id);
CREATE INDEX audit_credential ON audit (organization_id, actor_credential_id, created_at, id)
    WHERE actor_credential_id IS NOT NULL;
CREATE INDEX audit_subject ON audit (organization_id, subject_id, created_at, id);
