-- All artists with their names and MBIDs. The name is the primary one, else the first of all.
SELECT
    a.id AS artist_id,
    coalesce(n.alias, (SELECT min(m.alias COLLATE "C") FROM public.artist_aliases m WHERE m.artist_id = a.id)) AS artist,
    a.musicbrainz_id::text AS mbid
FROM public.artists a
LEFT JOIN (
    SELECT artist_id, min(alias COLLATE "C") AS alias FROM public.artist_aliases WHERE is_primary GROUP BY artist_id
) n ON n.artist_id = a.id
