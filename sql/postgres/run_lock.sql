-- When a run begins: held together with other runs until its connection ends, whatever ends it.
SELECT pg_advisory_lock_shared(hashtextextended('etl.run', 0))::text AS held
