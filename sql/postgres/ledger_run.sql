-- The ledger's entry of a run, and the sums of its batches.
SELECT
    r.finished_at IS NOT NULL AS finished,
    r.status,
    r.exit_code,
    r.inserted AS stored,
    coalesce(sum(b.inserted), 0)::bigint AS inserted,
    coalesce(sum(b.artists), 0)::bigint AS artists,
    coalesce(sum(b.albums), 0)::bigint AS albums,
    coalesce(sum(b.tracks), 0)::bigint AS tracks
FROM etl.runs r
LEFT JOIN etl.batches b USING (run_id)
WHERE r.run_id = $1
GROUP BY r.run_id
