-- The result if some tracks lose so many listens (?1: rows [track, listens]): entities that would have none left, and
-- others that stay.
WITH touched AS MATERIALIZED (
    SELECT t.id, t.release_id, (SELECT count(*) FROM listens l WHERE l.track_id = t.id) <= w.value->>1 AS goes
    FROM json_each(?1) w
    CROSS JOIN tracks t ON t.id = w.value->>0
), going AS MATERIALIZED (
    SELECT id FROM touched WHERE goes
), of_albums AS MATERIALIZED (
    SELECT r.release_id AS id, NOT EXISTS (
        SELECT 1 FROM tracks t WHERE t.release_id = r.release_id AND t.id NOT IN (SELECT id FROM going)
    ) AS goes
    FROM (SELECT DISTINCT release_id FROM touched) r
), of_artists AS MATERIALIZED (
    SELECT a.artist_id AS id, NOT EXISTS (
        SELECT 1 FROM artist_tracks l WHERE l.artist_id = a.artist_id AND l.track_id NOT IN (SELECT id FROM going)
    ) AS goes
    FROM (
        SELECT l.artist_id FROM touched t CROSS JOIN artist_tracks l ON l.track_id = t.id
        UNION
        SELECT l.artist_id FROM of_albums a CROSS JOIN artist_releases l ON l.release_id = a.id
    ) a
)
SELECT 'tracks' AS entity, count(*) FILTER (WHERE goes) AS removed, count(*) FILTER (WHERE NOT goes) AS kept FROM touched
UNION ALL
SELECT 'albums', count(*) FILTER (WHERE goes), count(*) FILTER (WHERE NOT goes) FROM of_albums
UNION ALL
SELECT 'artists', count(*) FILTER (WHERE goes), count(*) FILTER (WHERE NOT goes) FROM of_artists
