-- how many base artists were first heard in each month, according to the files of the run
SELECT month, count(*) AS artists
FROM (
    SELECT artists[1] AS artist, date_trunc('month', min(listened_at) AT TIME ZONE 'UTC')::DATE AS month
    FROM plays
    GROUP BY ALL
)
GROUP BY ALL
ORDER BY month
