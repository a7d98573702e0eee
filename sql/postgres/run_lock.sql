-- When a run begins: a lock that it shares with other runs until its connection ends for any reason.
SELECT pg_advisory_lock_shared(hashtextextended('etl.run', 0))::text AS held
