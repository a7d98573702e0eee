-- the base artists with the most listens
SELECT artists[1] AS artist, count(*) AS listens, count(DISTINCT track) AS tracks
FROM listens
GROUP BY ALL
ORDER BY listens DESC, artist
LIMIT 20
