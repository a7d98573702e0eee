-- listens by weekday (1 is Monday) and hour of the day, in UTC
SELECT
    isodow(listened_at AT TIME ZONE 'UTC') AS weekday,
    hour(listened_at AT TIME ZONE 'UTC') AS hour,
    count(*) AS listens
FROM plays
GROUP BY ALL
ORDER BY weekday, hour
