-- The artists that a round needs, found by name (any alias) or MBID.
WITH concerned AS (
    SELECT n.artist_id AS id FROM unnest($1::text[]) AS w (alias) JOIN public.artist_aliases n USING (alias)
    UNION
    SELECT a.id FROM unnest($2::text[]) AS w (mbid) JOIN public.artists a ON a.musicbrainz_id = w.mbid::uuid
)
SELECT a.id, a.musicbrainz_id::text AS mbid, array_agg(n.alias) AS aliases
FROM concerned c
JOIN public.artists a ON a.id = c.id
JOIN public.artist_aliases n ON n.artist_id = a.id
GROUP BY a.id
ORDER BY a.id
