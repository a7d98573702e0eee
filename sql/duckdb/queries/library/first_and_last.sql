-- the first and the last listen
(SELECT 'first' AS which, local_time, artist, track, album FROM listens ORDER BY listened_at, track_id LIMIT 1)
UNION ALL
(SELECT 'last', local_time, artist, track, album FROM listens ORDER BY listened_at DESC, track_id DESC LIMIT 1)
