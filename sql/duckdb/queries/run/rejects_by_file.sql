-- why rows were rejected, per file, with the first of them
SELECT file, reason, count(*) AS rows, min(row) AS first_row, arg_min(detail, row) AS its_detail
FROM rejects
GROUP BY ALL
ORDER BY rows DESC, file, reason
