-- Called by etl/database/migrate.py inside the transaction of each migration; waits for another migrating process.
SELECT pg_advisory_xact_lock(hashtextextended('etl.migrations', 0));
CREATE SCHEMA IF NOT EXISTS etl;
CREATE TABLE IF NOT EXISTS etl.migrations (
    version integer PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
