-- the tracks with the most listens
SELECT track, artist, album, listens
FROM tracks
ORDER BY listens DESC, track, track_id
LIMIT 20
