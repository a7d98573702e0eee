-- Before an undo removes listens (?1: rows [track, second]): keys whose witness is one of them get another listen of
-- the same track as witness, if there is one.
WITH going AS MATERIALIZED (
    SELECT l.rowid AS listen, l.track_id, l.listened_at AS second
    FROM json_each(?1) w
    CROSS JOIN listens l ON l.track_id = w.value->>0 AND l.listened_at = w.value->>1
), staying AS MATERIALIZED (
    SELECT track_id, (
        SELECT l.rowid FROM listens l WHERE l.track_id = g.track_id AND l.rowid NOT IN (SELECT listen FROM going) LIMIT 1
    ) AS listen
    FROM (SELECT DISTINCT track_id FROM going) g
), keys AS MATERIALIZED (
    SELECT e.lookup_key, g.track_id
    FROM etl_track_lookup e
    JOIN going g ON g.listen = e.listen AND g.second = e.witness
    UNION ALL
    SELECT e.lookup_key, g.track_id
    FROM etl_track_lookup e
    JOIN going g ON g.track_id = e.track_id AND g.second = e.witness
    WHERE NOT EXISTS (SELECT 1 FROM listens l WHERE l.rowid = e.listen AND l.listened_at = e.witness)
)
UPDATE etl_track_lookup
SET track_id = n.track_id, witness = n.second, listen = n.listen
FROM (
    SELECT k.lookup_key, k.track_id, l.listened_at AS second, l.rowid AS listen
    FROM keys k
    JOIN staying s ON s.track_id = k.track_id
    JOIN listens l ON l.rowid = s.listen
) n
WHERE etl_track_lookup.lookup_key = n.lookup_key
