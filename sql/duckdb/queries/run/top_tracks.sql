-- the tracks with the most listens
SELECT artist, track, album, count(*) AS listens
FROM plays
GROUP BY ALL
ORDER BY listens DESC, artist, track
LIMIT 20
