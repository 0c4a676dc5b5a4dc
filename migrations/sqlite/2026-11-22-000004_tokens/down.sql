DROP INDEX credentials_organization;
