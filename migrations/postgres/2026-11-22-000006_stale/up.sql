-- What replaced a token: looked for when that token is removed.
CREATE INDEX credentials_rotated_from ON credentials (rotated_from) WHERE rotated_from IS NOT NULL;
