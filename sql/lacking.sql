-- Called by etl/resolve/snapshot.py: what the tracks of cache hits lack, so that their listens may add it.
SELECT
    t.id AS track_id,
    t.duration = 0 AS duration,
    t.musicbrainz_id IS NULL AS recording_mbid,
    r.musicbrainz_id IS NULL AS release_mbid,
    coalesce(bool_or(a.musicbrainz_id IS NULL), false) AS artist_mbids
FROM unnest($1::integer[]) AS k (track_id)
JOIN public.tracks t ON t.id = k.track_id
JOIN public.releases r ON r.id = t.release_id
LEFT JOIN public.artist_tracks l ON l.track_id = t.id
LEFT JOIN public.artists a ON a.id = l.artist_id
GROUP BY t.id, r.id
