-- When a run begins that must not overlap with another: false if one is active.
-- If two begin at once, one of them gets the lock. It then holds the lock shared, so that later runs need not wait.
SELECT CASE
    WHEN pg_try_advisory_lock(hashtextextended('etl.run', 0))
    THEN pg_advisory_lock_shared(hashtextextended('etl.run', 0))::text = ''
        AND pg_advisory_unlock(hashtextextended('etl.run', 0))
    ELSE false
END AS alone
