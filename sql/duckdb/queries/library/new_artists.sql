-- how many artists are heard for the first time in each month
SELECT month, count(*) AS artists
FROM (
    SELECT date_trunc('month', min(local_time))::DATE AS month
    FROM listens
    JOIN credits USING (track_id)
    GROUP BY artist_id
)
GROUP BY ALL
ORDER BY month
