-- the albums with the most listens
SELECT album, artist, listens, tracks
FROM albums
ORDER BY listens DESC, album, album_id
LIMIT 20
