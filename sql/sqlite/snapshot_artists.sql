-- The artists that a round needs, found by name (any alias) or MBID.
WITH concerned AS MATERIALIZED (
    SELECT n.artist_id AS id FROM json_each(?1) w CROSS JOIN artist_aliases n ON n.alias = w.value
    UNION
    SELECT a.id FROM json_each(?2) w CROSS JOIN artists a ON a.musicbrainz_id = w.value
), named AS (
    SELECT a.id, a.musicbrainz_id AS mbid, (
        SELECT json_group_array(n.alias) FROM artist_aliases n WHERE n.artist_id = a.id
    ) AS aliases
    FROM concerned c
    JOIN artists a ON a.id = c.id
)
SELECT id, mbid, aliases FROM named WHERE aliases <> '[]' ORDER BY id
