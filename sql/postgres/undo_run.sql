-- The ledger's entry of a run that is to be undone.
SELECT
    r.user_id,
    r.source,
    r.undone_by,
    u.finished_at IS NOT NULL AS is_undone,
    (SELECT coalesce(sum(b.inserted), 0)::bigint FROM etl.batches b WHERE b.run_id = r.run_id) AS inserted
FROM etl.runs r
LEFT JOIN etl.runs u ON u.run_id = r.undone_by
WHERE r.run_id = $1
