-- the days with the most listens
SELECT local_time::DATE AS day, count(*) AS listens
FROM plays
GROUP BY ALL
ORDER BY listens DESC, day
LIMIT 20
