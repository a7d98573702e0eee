-- When a run begins that must not overlap with another: false where one is active.
-- Of two that begin at once one gets the lock; held then like any other run's, so that those need not wait.
SELECT CASE
    WHEN pg_try_advisory_lock(hashtextextended('etl.run', 0))
    THEN pg_advisory_lock_shared(hashtextextended('etl.run', 0))::text = ''
        AND pg_advisory_unlock(hashtextextended('etl.run', 0))
    ELSE false
END AS alone
