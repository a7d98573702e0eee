-- Keys of the run that track_lookup no longer has, or has with other ids.
SELECT
    lookup_key,
    CASE
        WHEN t.lookup_key IS NULL THEN 'the key is gone'
        WHEN t.track_id <> k.track_id THEN 'another track'
        WHEN t.album_id <> k.album_id THEN 'another album'
        ELSE 'another artist'
    END AS change,
    k.listens,
    k.artist_id,
    t.artist_id AS artist_now,
    k.album_id,
    t.album_id AS album_now,
    k.track_id,
    t.track_id AS track_now
FROM keys k
LEFT JOIN lookup_now t USING (lookup_key)
WHERE
    k.track_id IS NOT NULL
    AND (t.lookup_key IS NULL OR (t.artist_id, t.album_id, t.track_id) <> (k.artist_id, k.album_id, k.track_id))
ORDER BY lookup_key
