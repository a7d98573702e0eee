-- All tracks with their titles, albums, lengths and MBIDs. The title is the primary one, else the first of all.
SELECT
    t.id AS track_id,
    coalesce(n.alias, (SELECT min(m.alias) FROM track_aliases m WHERE m.track_id = t.id)) AS track,
    t.release_id AS album_id,
    nullif(t.duration, 0) AS duration,
    t.musicbrainz_id AS mbid
FROM tracks t
LEFT JOIN (
    SELECT track_id, min(alias) AS alias FROM track_aliases WHERE is_primary GROUP BY track_id
) n ON n.track_id = t.id
