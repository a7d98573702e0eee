-- which programs recorded the listens, and from when to when
SELECT client, count(*) AS listens, min(local_time) AS first, max(local_time) AS last
FROM plays
GROUP BY ALL
ORDER BY listens DESC, client NULLS LAST
