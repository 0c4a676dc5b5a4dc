-- The tokens of an organization, newest first.
CREATE INDEX credentials_organization ON credentials (organization_id, number);
