-- which programs recorded the listens, with the first and the last listen of each
SELECT client, count(*) AS listens, min(local_time) AS first, max(local_time) AS last
FROM plays
GROUP BY ALL
ORDER BY listens DESC, client NULLS LAST
