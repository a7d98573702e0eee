-- The tracks that a round needs, found by primary title on a release that it needs, by MBID, or by id.
WITH concerned AS MATERIALIZED (
    SELECT t.id
    FROM json_each(?1) w
    CROSS JOIN track_aliases n ON n.alias = w.value AND n.is_primary = 1
    CROSS JOIN tracks t ON t.id = n.track_id
    WHERE t.release_id IN (SELECT r.value FROM json_each(?2) r)
    UNION
    SELECT t.id FROM json_each(?3) w CROSS JOIN tracks t ON t.musicbrainz_id = w.value
    UNION
    SELECT w.value FROM json_each(?4) w
), named AS (
    SELECT
        t.id,
        t.musicbrainz_id AS mbid,
        t.duration,
        t.release_id,
        (SELECT json_group_array(n.alias) FROM track_aliases n WHERE n.track_id = t.id AND n.is_primary = 1) AS titles,
        (
            SELECT json_group_array(l.artist_id ORDER BY l.is_primary DESC, l.artist_id)
            FROM artist_tracks l
            WHERE l.track_id = t.id
        ) AS artists
    FROM concerned c
    JOIN tracks t ON t.id = c.id
)
SELECT id, mbid, duration, release_id, titles, artists FROM named WHERE titles <> '[]' ORDER BY id
