-- the base artists with the most listens
SELECT artists[1] AS artist, count(*) AS listens, count(DISTINCT track) AS tracks
FROM plays
GROUP BY ALL
ORDER BY listens DESC, artist
LIMIT 20
