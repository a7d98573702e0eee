-- The newest runs of the user ?1 in the ledger, the newest first; a run that did not end has no status.
SELECT run_id, source, started_at AS began, status, inserted
FROM etl_runs
WHERE user_id = ?1
ORDER BY number DESC, started_at DESC, run_id DESC
LIMIT ?2
