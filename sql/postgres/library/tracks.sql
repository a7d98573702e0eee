-- All tracks with their titles, albums, lengths and MBIDs. The title is the primary one, else the first of all.
SELECT
    t.id AS track_id,
    coalesce(n.alias, (SELECT min(m.alias COLLATE "C") FROM public.track_aliases m WHERE m.track_id = t.id)) AS track,
    t.release_id AS album_id,
    nullif(t.duration, 0) AS duration,
    t.musicbrainz_id::text AS mbid
FROM public.tracks t
LEFT JOIN (
    SELECT track_id, min(alias COLLATE "C") AS alias FROM public.track_aliases WHERE is_primary GROUP BY track_id
) n ON n.track_id = t.id
