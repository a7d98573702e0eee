-- the longest streaks: days in a row with listens
SELECT count(*) AS days, min(day) AS first_day, max(day) AS last_day
FROM (
    SELECT day, day - row_number() OVER (ORDER BY day)::INTEGER AS streak
    FROM (SELECT DISTINCT local_time::DATE AS day FROM plays)
)
GROUP BY streak
ORDER BY days DESC, first_day
LIMIT 20
