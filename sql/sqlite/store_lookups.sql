-- In the transaction of a batch, after its listens: its keys, as rows [key, artist, track, second of a listen or null].
-- A key of a track without any listen is not stored, because it would have no witness.
INSERT INTO etl_track_lookup (lookup_key, artist_id, track_id, witness, listen, number)
SELECT
    w.value->>0, w.value->>1, l.track_id, l.listened_at, l.rowid,
    (SELECT coalesce(max(max(number, end_number)), 0) FROM etl_runs)
FROM json_each(?1) w
CROSS JOIN listens l ON l.track_id = w.value->>2 AND l.listened_at = coalesce(
    w.value->>3, (SELECT min(o.listened_at) FROM listens o WHERE o.track_id = w.value->>2)
)
WHERE true
ORDER BY 1
ON CONFLICT (lookup_key) DO UPDATE
SET artist_id = excluded.artist_id, track_id = excluded.track_id, witness = excluded.witness, listen = excluded.listen,
    created_at = excluded.created_at, number = excluded.number
