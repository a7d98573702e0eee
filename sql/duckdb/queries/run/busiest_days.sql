-- the days (UTC) with the most listens
SELECT (listened_at AT TIME ZONE 'UTC')::DATE AS day, count(*) AS listens, count(DISTINCT artists[1]) AS artists
FROM plays
GROUP BY ALL
ORDER BY listens DESC, day
LIMIT 20
