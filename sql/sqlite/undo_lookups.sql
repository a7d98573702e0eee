-- After undo_vouch: removes the keys whose witness is one of the listens that will be removed (?1: rows [track,
-- second]), and those of the keys ?2 that have no witness.
DELETE FROM etl_track_lookup
WHERE lookup_key IN (
    WITH going AS MATERIALIZED (
        SELECT l.rowid AS listen, l.track_id, l.listened_at AS second
        FROM json_each(?1) w
        CROSS JOIN listens l ON l.track_id = w.value->>0 AND l.listened_at = w.value->>1
    )
    SELECT e.lookup_key
    FROM etl_track_lookup e
    JOIN going g ON g.listen = e.listen AND g.second = e.witness
    UNION ALL
    SELECT e.lookup_key
    FROM etl_track_lookup e
    JOIN going g ON g.track_id = e.track_id AND g.second = e.witness
    WHERE NOT EXISTS (SELECT 1 FROM listens l WHERE l.rowid = e.listen AND l.listened_at = e.witness)
    UNION ALL
    SELECT e.lookup_key
    FROM json_each(?2) k
    CROSS JOIN etl_track_lookup e ON e.lookup_key = k.value
    WHERE
        NOT EXISTS (SELECT 1 FROM listens l WHERE l.rowid = e.listen AND l.listened_at = e.witness)
        AND NOT EXISTS (SELECT 1 FROM listens l WHERE l.track_id = e.track_id AND l.listened_at = e.witness)
)
