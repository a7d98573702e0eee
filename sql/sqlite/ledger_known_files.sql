-- The ledger's entries of a file for a user. A file is forgotten if none of the witnesses of its run
-- (etl_batches.witnesses) exists any more: the data were deleted, and the file is loaded again. A file is also no
-- longer known after an undo of its listens or of listens that it relied on. If all of these were its own run's, the
-- file counts as never loaded. ?3: the version of this program.
SELECT
    f.format,
    f.options,
    f.spotify_time,
    f.run_id,
    (
        f.finished_at IS NOT NULL
        AND f.unresolved = 0
        AND f.forgotten_by IS NULL
        AND f.settled_for IN ('', ?3)
    ) AS known
FROM etl_files f
JOIN etl_runs r ON r.run_id = f.run_id
LEFT JOIN etl_runs u ON u.run_id = r.undone_by
WHERE
    f.user_id = ?1
    AND f.sha256 = ?2
    AND (u.finished_at IS NULL OR f.relied_on IS NOT 0)
    AND (
        NOT EXISTS (SELECT 1 FROM etl_batches b WHERE b.run_id = f.run_id AND b.witnesses <> '[]')
        OR EXISTS (
            SELECT 1
            FROM etl_batches b
            CROSS JOIN json_each(b.witnesses) w
            WHERE
                b.run_id = f.run_id
                AND (
                    EXISTS (
                        SELECT 1 FROM listens l WHERE l.rowid = w.value->>2 AND l.listened_at = w.value->>1
                    )
                    OR EXISTS (
                        SELECT 1 FROM listens l WHERE l.track_id = w.value->>0 AND l.listened_at = w.value->>1
                    )
                )
        )
    )
