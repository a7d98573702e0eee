-- the counts of the run, derived again from its files
SELECT 'skipped' AS term, count(*) AS records FROM skipped
UNION ALL
SELECT 'rejected', count(*) FROM rejects
UNION ALL
SELECT outcome, count(*) FROM outcome GROUP BY ALL
ORDER BY term
