-- skipped and rejected rows, counted by reason, match run.json
WITH derived AS (
    SELECT 'skipped' AS term, reason, count(*) AS counted FROM skipped GROUP BY ALL
    UNION ALL
    SELECT 'rejected', reason, count(*) FROM rejects GROUP BY ALL
)
SELECT term, reason, t.stated AS run_json, d.counted AS parquet
FROM stated_reasons t
FULL JOIN derived d USING (term, reason)
WHERE t.stated IS DISTINCT FROM d.counted
ORDER BY term, reason
