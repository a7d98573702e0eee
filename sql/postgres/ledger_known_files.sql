-- The ledger's entries of a file for a user. A file is no longer known after an undo of its listens or of listens that
-- it relied on. If all of these were its own run's, the file counts as never loaded. $3: the version of this program.
SELECT
    f.format,
    f.options,
    f.spotify_time,
    f.run_id,
    (
        f.finished_at IS NOT NULL
        AND f.unresolved = 0
        AND f.forgotten_by IS NULL
        AND f.settled_for IN ('', $3)
    ) AS known
FROM etl.files f
JOIN etl.runs r USING (run_id)
LEFT JOIN etl.runs u ON u.run_id = r.undone_by
WHERE f.user_id = $1::integer AND f.sha256 = $2 AND (u.finished_at IS NULL OR f.relied_on IS DISTINCT FROM 0)
