-- damage: runs in the ledger whose batches do not add up to the number of inserted listens
SELECT r.run_id, r.inserted, coalesce(sum(b.inserted), 0) AS inserted_by_batches
FROM etl_runs r
LEFT JOIN etl_batches b ON b.run_id = r.run_id
WHERE r.finished_at IS NOT NULL
GROUP BY r.run_id, r.inserted
HAVING r.inserted IS NOT coalesce(sum(b.inserted), 0)
ORDER BY r.run_id
