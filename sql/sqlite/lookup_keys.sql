-- The keys of the run that are cached and whose witness still exists. The cost depends on the number of keys, not
-- on the size of the table. If a merge moved the witness, the key's track is the one that has the listen now.
WITH believed AS MATERIALIZED (
    SELECT e.lookup_key, e.artist_id, coalesce(
        (SELECT l.track_id FROM listens l WHERE l.rowid = e.listen AND l.listened_at = e.witness),
        (SELECT l.track_id FROM listens l WHERE l.track_id = e.track_id AND l.listened_at = e.witness)
    ) AS track_id
    FROM json_each(?1) k
    CROSS JOIN etl_track_lookup e ON e.lookup_key = k.value
), credited AS MATERIALIZED (
    SELECT b.lookup_key, coalesce(
        (SELECT l.artist_id FROM artist_tracks l WHERE l.track_id = t.id AND l.artist_id = b.artist_id),
        (SELECT l.artist_id FROM artist_tracks l WHERE l.track_id = t.id ORDER BY l.is_primary DESC, l.artist_id LIMIT 1)
    ) AS artist_id, t.release_id AS album_id, t.id AS track_id
    FROM believed b
    CROSS JOIN tracks t ON t.id = b.track_id
)
SELECT lookup_key, artist_id, album_id, track_id FROM credited WHERE artist_id IS NOT NULL
