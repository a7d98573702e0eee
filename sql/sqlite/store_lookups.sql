-- In the transaction of a batch, after its listens: its staged keys, each with the second of a listen, or without one.
-- A key of a track without any listen is not stored, because it would have no witness.
INSERT INTO etl_track_lookup (lookup_key, artist_id, track_id, witness, listen, number)
SELECT
    s.lookup_key, s.artist_id, l.track_id, l.listened_at, l.rowid,
    (SELECT coalesce(max(max(number, end_number)), 0) FROM etl_runs)
FROM temp.etl_lookup_stage s
CROSS JOIN listens l ON l.track_id = s.track_id AND l.listened_at = coalesce(
    s.second, (SELECT min(o.listened_at) FROM listens o WHERE o.track_id = s.track_id)
)
WHERE true
ORDER BY 1
ON CONFLICT (lookup_key) DO UPDATE
SET artist_id = excluded.artist_id, track_id = excluded.track_id, witness = excluded.witness, listen = excluded.listen,
    created_at = excluded.created_at, number = excluded.number
