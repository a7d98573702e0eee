-- The first statement of a batch, and of a round's enrichment; held until the commit.
-- The next round waits for it, and so do Koito's merges and deletes (migration 0004).
-- Foreign keys are suspended until then, where check_as_sets.sql has left the mark: never for the session, which a pooler
-- might give to another program.
SELECT
    pg_advisory_xact_lock_shared(hashtextextended('etl.batch', 0))::text AS held,
    CASE
        WHEN current_setting('etl.as_sets', true) = 'on' THEN set_config('session_replication_role', 'replica', true)
    END AS role
