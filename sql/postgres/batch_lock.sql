-- The first statement of a batch, and of a round's enrichment. Its lock is held until the commit.
-- The next round waits for the lock, and so do Koito's merges and deletes (migration 0004).
-- Foreign-key checks are off until the commit if suspend_foreign_keys.sql has set its mark. They are never off for
-- the whole session, because a pooler might give the session to another program.
SELECT
    pg_advisory_xact_lock_shared(hashtextextended('etl.batch', 0))::text AS held,
    CASE
        WHEN current_setting('etl.as_sets', true) = 'on' THEN set_config('session_replication_role', 'replica', true)
    END AS role
