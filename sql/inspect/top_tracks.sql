-- the tracks with the most listens
SELECT artist, track, album, count(*) AS listens
FROM listens
GROUP BY ALL
ORDER BY listens DESC, artist, track
LIMIT 20
