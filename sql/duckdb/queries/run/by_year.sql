-- listens per year and outcome
SELECT year(l.listened_at AT TIME ZONE 'UTC') AS year, o.outcome, count(*) AS listens
FROM listens l
JOIN outcome o USING (file, row)
GROUP BY ALL
ORDER BY year, o.outcome
