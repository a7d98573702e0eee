-- The details that the tracks of cached keys have, so that listens can add the missing ones.
SELECT
    t.id AS track_id,
    t.duration,
    t.musicbrainz_id AS recording_mbid,
    r.musicbrainz_id AS release_mbid,
    (
        SELECT json_group_array(a.musicbrainz_id)
        FROM artist_tracks l
        JOIN artists a ON a.id = l.artist_id
        WHERE l.track_id = t.id
    ) AS artist_mbids
FROM json_each(?1) k
CROSS JOIN tracks t ON t.id = k.value
JOIN releases r ON r.id = t.release_id
