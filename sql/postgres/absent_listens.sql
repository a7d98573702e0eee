-- The listens (place, key, track, second) of a run that are not in the database, and why.
-- A merge moves them, with their key, to another track. A deletion removes the track and its key; a later load may have
-- created the key again, which the numbers tell or, for a run without one, the times. A listen is lost if it is missing
-- but its track, or the track that it was merged into, exists.
WITH run AS (
    SELECT r.end_number, coalesce(r.finished_at, max(b.written_at), r.started_at) AS ended
    FROM etl.runs r
    LEFT JOIN etl.batches b USING (run_id)
    WHERE r.run_id = $5
    GROUP BY r.run_id
)
SELECT w.place, k.track_id AS track_now, CASE
    WHEN EXISTS (
        SELECT FROM public.listens l WHERE l.track_id = k.track_id AND l.listened_at = to_timestamp(w.second)
    ) THEN 'merged'
    WHEN
        NOT EXISTS (SELECT FROM public.tracks t WHERE t.id = w.track_id)
        AND (
            k.lookup_key IS NULL
            OR (SELECT CASE WHEN end_number > 0 THEN k.number > end_number ELSE k.created_at > ended END FROM run)
        )
    THEN 'removed'
    ELSE 'missing'
END AS state
FROM unnest($1::bigint[], $2::text[], $3::integer[], $4::bigint[]) AS w (place, lookup_key, track_id, second)
LEFT JOIN public.track_lookup k USING (lookup_key)
WHERE NOT EXISTS (SELECT FROM public.listens l WHERE l.track_id = w.track_id AND l.listened_at = to_timestamp(w.second))
ORDER BY w.place
