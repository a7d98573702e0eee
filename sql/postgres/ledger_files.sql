-- The ledger's entries of the files of a run, whichever run loaded them last.
SELECT f.sha256, f.format, f.run_id, f.records, f.unresolved, f.finished_at IS NOT NULL AS finished
FROM etl.files f
JOIN etl.runs r ON r.run_id = $1 AND r.user_id = f.user_id
WHERE f.sha256 = ANY ($2::text[])
