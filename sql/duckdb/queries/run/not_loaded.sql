-- why rows are not in the database, per file: skips, rejects, listens unresolved or not reached
SELECT file, 'skipped' AS fate, reason, count(*) AS records FROM skipped GROUP BY ALL
UNION ALL
SELECT file, 'rejected', reason, count(*) FROM rejects GROUP BY ALL
UNION ALL
SELECT file, outcome, detail, count(*) FROM outcome WHERE outcome IN ('unresolved', 'not_reached') GROUP BY ALL
ORDER BY file, fate, records DESC
