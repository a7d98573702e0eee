-- how many base artists are heard for the first time in each month, as far as the run's files tell
SELECT month, count(*) AS artists
FROM (
    SELECT artists[1] AS artist, date_trunc('month', min(listened_at) AT TIME ZONE 'UTC')::DATE AS month
    FROM plays
    GROUP BY ALL
)
GROUP BY ALL
ORDER BY month
