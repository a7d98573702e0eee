-- All albums with their titles and MBIDs. The title is the primary one, else the first of all.
SELECT
    r.id AS album_id,
    coalesce(n.alias, (SELECT min(m.alias COLLATE "C") FROM public.release_aliases m WHERE m.release_id = r.id)) AS album,
    r.various_artists,
    r.musicbrainz_id::text AS mbid
FROM public.releases r
LEFT JOIN (
    SELECT release_id, min(alias COLLATE "C") AS alias FROM public.release_aliases WHERE is_primary GROUP BY release_id
) n ON n.release_id = r.id
