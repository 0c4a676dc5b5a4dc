-- What one user made for others, service accounts: looked for when that user leaves. Few rows: people make their own.
CREATE INDEX credentials_made_for_others ON credentials (created_by, organization_id, number) WHERE created_by <> owner_id;
