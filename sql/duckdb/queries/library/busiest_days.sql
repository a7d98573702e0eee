-- the days with the most listens
SELECT local_time::DATE AS day, count(*) AS listens
FROM listens
GROUP BY ALL
ORDER BY listens DESC, day
LIMIT 20
