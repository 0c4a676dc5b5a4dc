-- The same table as migrations/postgres, column by column; a test compares the two.

-- The running servers. `applied` = how much of the list its memory reflects; `beat` grows while it lives.
CREATE TABLE replicas (
    id TEXT NOT NULL PRIMARY KEY,
    max_staleness_ms BIGINT NOT NULL,
    applied BIGINT NOT NULL,
    beat BIGINT NOT NULL
);
