-- The details that the tracks of cached keys have, so that listens can add the missing ones.
SELECT
    t.id AS track_id,
    t.duration,
    t.musicbrainz_id::text AS recording_mbid,
    r.musicbrainz_id::text AS release_mbid,
    coalesce(array_agg(a.musicbrainz_id::text) FILTER (WHERE a.id IS NOT NULL), '{}') AS artist_mbids
FROM unnest($1::integer[]) AS k (track_id)
JOIN public.tracks t ON t.id = k.track_id
JOIN public.releases r ON r.id = t.release_id
LEFT JOIN public.artist_tracks l ON l.track_id = t.id
LEFT JOIN public.artists a ON a.id = l.artist_id
GROUP BY t.id, r.id
