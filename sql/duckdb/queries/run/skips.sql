-- why rows were skipped
SELECT reason, count(*) AS rows, count(DISTINCT file) AS files
FROM skipped
GROUP BY ALL
ORDER BY rows DESC, reason
