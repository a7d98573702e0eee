-- The cached tracks for which a candidate alias is missing: at the track, its album or its artists.
-- An alias belongs to the entity that has the candidate's MBID or name, unless both have MBIDs and these differ.
WITH offered AS (
    SELECT w.track_id, w.entity, w.name, w.mbid::uuid AS mbid, w.alias
    FROM unnest($1::integer[], $2::text[], $3::text[], $4::text[], $5::text[]) AS w (track_id, entity, name, mbid, alias)
)
SELECT w.track_id
FROM offered w
JOIN public.tracks t ON t.id = w.track_id
WHERE
    w.entity = 'track'
    AND (
        t.musicbrainz_id = w.mbid
        OR (t.musicbrainz_id IS NULL OR w.mbid IS NULL)
        AND EXISTS (SELECT FROM public.track_aliases n WHERE n.track_id = t.id AND n.is_primary AND n.alias = w.name)
    )
    AND NOT EXISTS (SELECT FROM public.track_aliases n WHERE n.track_id = t.id AND n.alias = w.alias)
UNION
SELECT w.track_id
FROM offered w
JOIN public.tracks t ON t.id = w.track_id
JOIN public.releases r ON r.id = t.release_id
WHERE
    w.entity = 'album'
    AND (
        r.musicbrainz_id = w.mbid
        OR (r.musicbrainz_id IS NULL OR w.mbid IS NULL)
        AND EXISTS (SELECT FROM public.release_aliases n WHERE n.release_id = r.id AND n.is_primary AND n.alias = w.name)
    )
    AND NOT EXISTS (SELECT FROM public.release_aliases n WHERE n.release_id = r.id AND n.alias = w.alias)
UNION
SELECT w.track_id
FROM offered w
JOIN public.artist_tracks l ON l.track_id = w.track_id
JOIN public.artists a ON a.id = l.artist_id
WHERE
    w.entity = 'artist'
    AND (
        a.musicbrainz_id = w.mbid
        OR (a.musicbrainz_id IS NULL OR w.mbid IS NULL)
        AND EXISTS (SELECT FROM public.artist_aliases n WHERE n.artist_id = a.id AND n.alias = w.name)
    )
    AND NOT EXISTS (SELECT FROM public.artist_aliases n WHERE n.artist_id = a.id AND n.alias = w.alias)
