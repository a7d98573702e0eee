-- listens and hours by month
SELECT
    date_trunc('month', local_time)::DATE AS month,
    count(*) AS listens,
    round(coalesce(sum(duration), 0) / 3600, 1) AS hours
FROM plays
GROUP BY ALL
ORDER BY month
