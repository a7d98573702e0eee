-- listens, artists and tracks by month
SELECT
    date_trunc('month', listened_at AT TIME ZONE 'UTC')::DATE AS month,
    count(*) AS listens,
    count(DISTINCT artists[1]) AS artists,
    count(DISTINCT (artists[1], track)) AS tracks
FROM plays
GROUP BY ALL
ORDER BY month
