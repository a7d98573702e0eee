-- Inside the transaction of each migration; waits for another migrating process.
SELECT pg_advisory_xact_lock(hashtextextended('etl.migrations', 0))
