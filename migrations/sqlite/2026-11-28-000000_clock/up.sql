-- The same tables as migrations/postgres, column by column; a test compares the two.

-- One row. `trusted_at` = the last moment at which a server had no doubt about the clock: what jobs remove hangs on it.
CREATE TABLE clock (
    id INTEGER NOT NULL PRIMARY KEY,
    trusted_at TIMESTAMP
);
INSERT INTO clock (id, trusted_at) VALUES (1, NULL);

-- What a job would do to so many credentials at once that it waits for a second look.
CREATE TABLE mass_changes (
    job TEXT NOT NULL PRIMARY KEY,
    noticed_at TIMESTAMP NOT NULL,
    affected BIGINT NOT NULL,
    active BIGINT NOT NULL
);
