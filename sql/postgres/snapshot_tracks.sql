-- The tracks that a round needs, found by primary title on a release that it needs, by MBID, or by id.
WITH concerned AS (
    SELECT t.id
    FROM unnest($1::text[]) AS w (alias)
    JOIN public.track_aliases n ON n.alias = w.alias AND n.is_primary
    JOIN public.tracks t ON t.id = n.track_id
    WHERE t.release_id = ANY ($2::integer[])
    UNION
    SELECT t.id FROM unnest($3::text[]) AS w (mbid) JOIN public.tracks t ON t.musicbrainz_id = w.mbid::uuid
    UNION
    SELECT w.id FROM unnest($4::integer[]) AS w (id)
), titles AS (
    SELECT c.id, array_agg(n.alias) AS titles
    FROM concerned c
    JOIN public.track_aliases n ON n.track_id = c.id AND n.is_primary
    GROUP BY c.id
)
SELECT
    t.id,
    t.musicbrainz_id::text AS mbid,
    t.duration,
    t.release_id,
    n.titles,
    array_agg(l.artist_id ORDER BY l.is_primary DESC, l.artist_id) FILTER (WHERE l.artist_id IS NOT NULL) AS artists
FROM titles n
JOIN public.tracks t ON t.id = n.id
LEFT JOIN public.artist_tracks l ON l.track_id = t.id
GROUP BY t.id, n.titles
ORDER BY t.id
