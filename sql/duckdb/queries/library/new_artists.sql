-- how many artists were first heard in each month
WITH tracks AS (
    SELECT track_id, min(local_time) AS first FROM plays GROUP BY track_id
), artists AS (
    SELECT date_trunc('month', min(first))::DATE AS month FROM tracks JOIN credits USING (track_id) GROUP BY artist_id
)
SELECT month, count(*) AS artists
FROM artists
GROUP BY month
ORDER BY month
