-- When an undo begins: true if no run is active. It then holds the lock exclusively until its connection ends, and runs
-- that begin during that time wait.
SELECT pg_try_advisory_lock(hashtextextended('etl.run', 0)) AS taken
