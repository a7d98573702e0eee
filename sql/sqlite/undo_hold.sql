-- Before a batch of an undo removes listens of tracks: these tracks, their albums, and the artists of both.
WITH touched AS MATERIALIZED (
    SELECT t.id, t.release_id FROM json_each(?1) w CROSS JOIN tracks t ON t.id = w.value
), albums AS MATERIALIZED (
    SELECT DISTINCT release_id AS id FROM touched
)
SELECT 'tracks' AS entity, id FROM touched
UNION ALL
SELECT 'albums', id FROM albums
UNION ALL
SELECT 'artists', artist_id
FROM (
    SELECT l.artist_id FROM touched t CROSS JOIN artist_tracks l ON l.track_id = t.id
    UNION
    SELECT l.artist_id FROM albums a CROSS JOIN artist_releases l ON l.release_id = a.id
)
