DROP INDEX credentials_owner_live;
DROP INDEX credentials_revoked_at;
DROP INDEX invitations_ended_at;
DROP INDEX audit_created_at;
DROP INDEX refusals_refused_at;
DROP INDEX usage_counts_day;
