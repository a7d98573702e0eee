-- The ledger's entry of a run, and the sums of its batches.
SELECT
    r.finished_at IS NOT NULL AS finished,
    r.status,
    r.exit_code,
    r.inserted AS stored,
    coalesce(sum(b.inserted), 0) AS inserted,
    coalesce(sum(b.artists), 0) AS artists,
    coalesce(sum(b.albums), 0) AS albums,
    coalesce(sum(b.tracks), 0) AS tracks
FROM etl_runs r
LEFT JOIN etl_batches b ON b.run_id = r.run_id
WHERE r.run_id = ?1
GROUP BY r.run_id
