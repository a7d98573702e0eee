-- listens by weekday (1 is Monday) and hour of the day
SELECT isodow(local_time) AS weekday, hour(local_time) AS hour, count(*) AS listens
FROM plays
GROUP BY ALL
ORDER BY weekday, hour
