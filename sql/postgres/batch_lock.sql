-- The first statement of a batch, and of a round's enrichment; held until the commit.
-- The next round waits for it, and so do Koito's merges and deletes (migration 0004).
SELECT pg_advisory_xact_lock_shared(hashtextextended('etl.batch', 0))::text AS held
