-- The runs of the ledger whose id is, begins or ends with a text.
SELECT run_id
FROM etl_runs
WHERE substr(run_id, 1, length(?1)) = ?1 OR substr(run_id, -length(?1)) = ?1
ORDER BY run_id
