-- Called by etl/submit.py: a live listen that knows nothing beside its names, if its key is cached; from key to row.
-- $2: seconds since 1970. $4: the user's id; null where name or id ($5, null for the only user) and our last migration
-- ($6) have still to be looked at: no row if they are not as they should be. Constants fold before planning, which is
-- most of the time; so the two submit_cached_* statements, which take longer to plan, are for listens that need them.
-- As every batch this holds the lock "etl.batch" shared: Koito's merges and deletes wait for it (migration 0004).
WITH hit AS MATERIALIZED (
    SELECT k.artist_id, k.album_id, k.track_id, o.user_id
    FROM public.track_lookup k
    CROSS JOIN (SELECT coalesce($4::integer, (
        SELECT min(u.id) FROM public.users u
        WHERE $5::text IS NULL OR u.username = $5 OR u.id::text = $5
        HAVING count(*) = 1
    )) AS user_id) o
    WHERE
        k.lookup_key = $1
        AND pg_advisory_xact_lock_shared(hashtextextended('etl.batch', 0)) IS NOT NULL
        AND ($4::integer IS NOT NULL OR (SELECT max(m.version) FROM etl.migrations m) = $6::integer)
        AND o.user_id IS NOT NULL
), listen AS (
    INSERT INTO public.listens (track_id, listened_at, client, user_id)
    SELECT h.track_id, to_timestamp($2::bigint), $3, h.user_id FROM hit h
    ON CONFLICT (track_id, listened_at) DO NOTHING
    RETURNING track_id
)
SELECT
    h.artist_id,
    h.album_id,
    h.track_id,
    h.user_id,
    EXISTS (SELECT FROM listen) AS inserted,
    (SELECT l.user_id FROM public.listens l
     WHERE l.track_id = h.track_id AND l.listened_at = to_timestamp($2::bigint)) AS held_for,
    false AS foreign_recording,
    false AS foreign_release,
    false AS unsettled
FROM hit h
