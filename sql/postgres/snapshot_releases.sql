-- The releases that a round needs, found by primary title, by MBID, or by a track that it needs.
WITH concerned AS (
    SELECT n.release_id AS id
    FROM unnest($1::text[]) AS w (alias)
    JOIN public.release_aliases n ON n.alias = w.alias AND n.is_primary
    UNION
    SELECT r.id FROM unnest($2::text[]) AS w (mbid) JOIN public.releases r ON r.musicbrainz_id = w.mbid::uuid
    UNION
    SELECT t.release_id FROM unnest($3::text[]) AS w (mbid) JOIN public.tracks t ON t.musicbrainz_id = w.mbid::uuid
    UNION
    SELECT t.release_id FROM unnest($4::integer[]) AS w (id) JOIN public.tracks t ON t.id = w.id
), titles AS (
    SELECT c.id, array_agg(n.alias) AS titles
    FROM concerned c
    JOIN public.release_aliases n ON n.release_id = c.id AND n.is_primary
    GROUP BY c.id
)
SELECT r.id, r.musicbrainz_id::text AS mbid, t.titles, array_agg(l.artist_id) FILTER (WHERE l.artist_id IS NOT NULL) AS artists
FROM titles t
JOIN public.releases r ON r.id = t.id
LEFT JOIN public.artist_releases l ON l.release_id = r.id
GROUP BY r.id, t.titles
ORDER BY r.id
