-- The given MBIDs that an artist, release or track (the kind is $1) already has.
SELECT e.id, e.mbid::text AS mbid
FROM (
    SELECT 'artists' AS kind, a.id, a.musicbrainz_id AS mbid FROM public.artists a
    UNION ALL
    SELECT 'albums', r.id, r.musicbrainz_id FROM public.releases r
    UNION ALL
    SELECT 'tracks', t.id, t.musicbrainz_id FROM public.tracks t
) e
WHERE e.kind = $1::text AND e.mbid = ANY ($2::text[]::uuid[])
