-- listens that another service, or Spotify's account data, most likely recorded too
SELECT file, row, l.listened_at, l.artist, l.track, o.outcome, o.double_of
FROM listens l
JOIN outcome o USING (file, row)
WHERE o.double_of IS NOT NULL
ORDER BY l.listened_at, file, row
