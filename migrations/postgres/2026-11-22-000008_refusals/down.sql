DROP INDEX audit_request;
DROP TABLE refusals;
