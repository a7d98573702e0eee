-- Called by etl/load.py as the first statement of a batch that creates entities; held until its commit.
SELECT pg_advisory_xact_lock_shared(hashtextextended('etl.batch', 0))::text AS held
