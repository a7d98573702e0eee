-- The listens (?1: rows [place, key, track, second]) of the run ?2 that are not in the database, and why.
-- A merge moves them to another track, to which their key then leads (see lookup_keys). A deletion removes the track,
-- and its id may be reused: a track counts as the same one if it still has a listen of the run, or has no listens at
-- all. A key that was stored after the run was created again; the numbers tell this or, for a run without an end number,
-- the times. A listen is lost if it is missing but its track, or the track that it was merged into, exists.
WITH run AS (
    SELECT r.end_number, coalesce(r.finished_at, max(b.written_at), r.started_at) AS ended
    FROM etl_runs r
    LEFT JOIN etl_batches b ON b.run_id = r.run_id
    WHERE r.run_id = ?2
    GROUP BY r.run_id
), wanted AS MATERIALIZED (
    SELECT
        w.value->>0 AS place,
        w.value->>1 AS lookup_key,
        w.value->>2 AS track_id,
        w.value->>3 AS second,
        EXISTS (
            SELECT 1 FROM listens l WHERE l.track_id = w.value->>2 AND l.listened_at = w.value->>3
        ) AS is_there
    FROM json_each(?1) w
), standing AS MATERIALIZED (
    SELECT track_id FROM wanted WHERE is_there
    UNION
    SELECT t.id
    FROM wanted w
    JOIN tracks t ON t.id = w.track_id
    WHERE NOT w.is_there AND NOT EXISTS (SELECT 1 FROM listens l WHERE l.track_id = t.id)
), absent AS MATERIALIZED (
    SELECT
        w.place,
        w.second,
        w.track_id IN standing AS stands,
        (
            SELECT CASE WHEN end_number > 0 THEN k.number >= end_number ELSE k.created_at > ended END FROM run
        ) AS is_new,
        coalesce(
            (SELECT l.track_id FROM listens l WHERE l.rowid = k.listen AND l.listened_at = k.witness),
            (SELECT l.track_id FROM listens l WHERE l.track_id = k.track_id AND l.listened_at = k.witness)
        ) AS track_now
    FROM wanted w
    LEFT JOIN etl_track_lookup k ON k.lookup_key = w.lookup_key
    WHERE NOT w.is_there
)
SELECT a.place, a.track_now, CASE
    WHEN EXISTS (SELECT 1 FROM listens l WHERE l.track_id = a.track_now AND l.listened_at = a.second) THEN 'merged'
    WHEN NOT a.stands AND (a.track_now IS NULL OR a.is_new) THEN 'removed'
    ELSE 'missing'
END AS state
FROM absent a
ORDER BY a.place
