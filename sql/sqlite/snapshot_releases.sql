-- The releases that a round needs, found by primary title, by MBID, or by a track that it needs.
WITH concerned AS MATERIALIZED (
    SELECT n.release_id AS id FROM json_each(?1) w CROSS JOIN release_aliases n ON n.alias = w.value AND n.is_primary = 1
    UNION
    SELECT r.id FROM json_each(?2) w CROSS JOIN releases r ON r.musicbrainz_id = w.value
    UNION
    SELECT t.release_id FROM json_each(?3) w CROSS JOIN tracks t ON t.musicbrainz_id = w.value
    UNION
    SELECT t.release_id FROM json_each(?4) w CROSS JOIN tracks t ON t.id = w.value
), named AS (
    SELECT
        r.id,
        r.musicbrainz_id AS mbid,
        (SELECT json_group_array(n.alias) FROM release_aliases n WHERE n.release_id = r.id AND n.is_primary = 1) AS titles,
        (SELECT json_group_array(l.artist_id) FROM artist_releases l WHERE l.release_id = r.id) AS artists
    FROM concerned c
    JOIN releases r ON r.id = c.id
)
SELECT id, mbid, titles, artists FROM named WHERE titles <> '[]' ORDER BY id
