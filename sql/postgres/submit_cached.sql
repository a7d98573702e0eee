-- Stores a live listen of the user $4 that has only names, if its key is cached: from key to row. $2: seconds since
-- 1970.
-- Most of its time is planning, so there are three statements: this one, one for a duration and MBIDs, and one for
-- artists' MBIDs, which also handles the first listen of a connection.
-- Like every batch, it holds the lock "etl.batch" shared: Koito's merges and deletes wait for it (migration 0004).
WITH hit AS MATERIALIZED (
    SELECT k.artist_id, k.album_id, k.track_id
    FROM public.track_lookup k
    WHERE k.lookup_key = $1 AND pg_advisory_xact_lock_shared(hashtextextended('etl.batch', 0)) IS NOT NULL
), listen AS (
    INSERT INTO public.listens (track_id, listened_at, client, user_id)
    SELECT h.track_id, to_timestamp($2::bigint), $3, $4::integer FROM hit h
    ON CONFLICT (track_id, listened_at) DO NOTHING
    RETURNING track_id
)
SELECT
    h.artist_id,
    h.album_id,
    h.track_id,
    $4::integer AS user_id,
    EXISTS (SELECT FROM listen) AS inserted,
    (SELECT l.user_id FROM public.listens l
     WHERE l.track_id = h.track_id AND l.listened_at = to_timestamp($2::bigint)) AS held_for,
    false AS foreign_recording,
    false AS foreign_release,
    false AS unsettled
FROM hit h
