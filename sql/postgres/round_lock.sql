-- At the start of a round: allows one round at a time per database, until the transaction ends.
-- The second lock waits for batches that outlive their killed process: each batch holds it shared until its commit.
SELECT
    pg_advisory_xact_lock(hashtextextended('etl.round', 0))::text AS round,
    pg_advisory_lock(hashtextextended('etl.batch', 0))::text AS batches,
    pg_advisory_unlock(hashtextextended('etl.batch', 0)) AS released
