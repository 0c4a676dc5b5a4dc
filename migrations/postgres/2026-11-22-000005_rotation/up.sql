-- What replaced a token, and when. No foreign key: the one may be removed before the other.
ALTER TABLE credentials ADD COLUMN rotated_to TEXT;
ALTER TABLE credentials ADD COLUMN rotated_at TIMESTAMP;

-- The token that ends once this one has been used; NULL when that is done.
ALTER TABLE credentials ADD COLUMN ends_on_use TEXT;
CREATE INDEX credentials_ends_on_use ON credentials (ends_on_use) WHERE ends_on_use IS NOT NULL;
