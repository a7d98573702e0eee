-- the albums with the most listens
SELECT album, artists[1] AS artist, count(*) AS listens, count(DISTINCT track) AS tracks
FROM plays
WHERE album IS NOT NULL
GROUP BY ALL
ORDER BY listens DESC, album, artist
LIMIT 20
