-- damage: runs in the ledger whose batches do not add up to the number of inserted listens
SELECT r.run_id, r.inserted, coalesce(sum(b.inserted), 0)::bigint AS inserted_by_batches
FROM etl.runs r
LEFT JOIN etl.batches b USING (run_id)
WHERE r.finished_at IS NOT NULL
GROUP BY r.run_id
HAVING r.inserted IS DISTINCT FROM coalesce(sum(b.inserted), 0)
ORDER BY r.run_id
