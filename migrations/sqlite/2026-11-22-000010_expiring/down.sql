DROP INDEX credentials_expires_at;
