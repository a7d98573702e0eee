-- The newest runs of the user ?1 that the ledger knows, the newest first; one that did not end has no status.
SELECT run_id, source, started_at AS began, status, inserted
FROM etl_runs
WHERE user_id = ?1
ORDER BY started_at DESC, run_id DESC
LIMIT ?2
