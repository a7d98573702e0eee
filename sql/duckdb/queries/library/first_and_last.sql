-- the first and the last listen
WITH found AS (
    (SELECT 'first' AS which, local_time, track_id FROM plays ORDER BY listened_at, track_id LIMIT 1)
    UNION ALL
    (SELECT 'last', local_time, track_id FROM plays ORDER BY listened_at DESC, track_id DESC LIMIT 1)
)
SELECT which, local_time, artist, track, album
FROM found
LEFT JOIN tracks USING (track_id)
ORDER BY which
