-- The oldest version of patmint that can serve this schema, named by the newest migration that it has to know. A
-- migration that only adds leaves it alone; one that an older version could not work with raises it (CONTRIBUTING.md).
CREATE TABLE compatibility (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    required_migration TEXT NOT NULL
);
INSERT INTO compatibility (id, required_migration) VALUES (1, '20261128000003');
