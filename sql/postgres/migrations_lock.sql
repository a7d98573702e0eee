-- In the transaction of each migration: waits for another process that applies migrations.
SELECT pg_advisory_xact_lock(hashtextextended('etl.migrations', 0))
