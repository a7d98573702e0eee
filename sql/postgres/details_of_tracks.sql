-- The names and MBIDs of some tracks, as an export has them, the main artist first. MBIDs of artists are returned only
-- if all artists of the track have one.
SELECT
    t.id AS track_id,
    (SELECT n.alias FROM public.track_aliases n WHERE n.track_id = t.id ORDER BY n.is_primary DESC, n.alias LIMIT 1) AS track,
    (
        SELECT n.alias
        FROM public.release_aliases n
        WHERE n.release_id = t.release_id
        ORDER BY n.is_primary DESC, n.alias
        LIMIT 1
    ) AS album,
    nullif(t.duration, 0) AS duration,
    t.musicbrainz_id::text AS recording_mbid,
    r.musicbrainz_id::text AS release_mbid,
    a.names AS artists,
    CASE WHEN a.have_mbids THEN a.mbids END AS artist_mbids
FROM unnest($1::integer[]) AS w (id)
JOIN public.tracks t ON t.id = w.id
JOIN public.releases r ON r.id = t.release_id
CROSS JOIN LATERAL (
    SELECT
        array_agg(n.alias ORDER BY l.is_primary DESC, l.artist_id) AS names,
        array_agg(p.musicbrainz_id::text ORDER BY l.is_primary DESC, l.artist_id) AS mbids,
        bool_and(p.musicbrainz_id IS NOT NULL) AS have_mbids
    FROM public.artist_tracks l
    JOIN public.artists p ON p.id = l.artist_id
    CROSS JOIN LATERAL (
        SELECT i.alias
        FROM public.artist_aliases i
        WHERE i.artist_id = l.artist_id
        ORDER BY i.is_primary DESC, i.alias
        LIMIT 1
    ) n
    WHERE l.track_id = t.id
) a
ORDER BY t.id
