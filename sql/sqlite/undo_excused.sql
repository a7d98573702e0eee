-- The undos and dedupes since a run began, which may have removed listens that it inserted or found; "is_own" marks the
-- undo of the run itself. Times decide only between runs that have no number.
SELECT u.run_id, u.run_id IS r.undone_by AS is_own
FROM etl_runs r
JOIN etl_runs u ON u.user_id = r.user_id AND u.source IN ('undo', 'dedupe') AND u.number >= r.number
WHERE
    r.run_id = ?1
    AND (u.number > 0 OR u.started_at >= r.started_at)
    AND (u.finished_at IS NOT NULL OR EXISTS (SELECT 1 FROM etl_runs o WHERE o.undone_by = u.run_id)) -- not given up
ORDER BY u.run_id
