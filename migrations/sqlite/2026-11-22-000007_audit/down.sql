DROP INDEX audit_subject;
DROP INDEX audit_credential;
DROP INDEX audit_actor;
DROP INDEX audit_action;
DROP INDEX audit_organization;
CREATE INDEX audit_organization ON audit (organization_id, seq);

ALTER TABLE audit DROP COLUMN via;
ALTER TABLE audit DROP COLUMN request_id;
