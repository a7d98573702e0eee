-- When an undo begins: true if no run is active. Held alone until its connection ends; runs that begin then wait.
SELECT pg_try_advisory_lock(hashtextextended('etl.run', 0)) AS taken
