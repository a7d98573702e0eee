-- When the undo ?2 of the run ?1 begins: the files that are no longer known.
-- They are the run's own files, and files loaded since for which a listen of the run may have counted. Times decide only
-- between entries that have no number.
UPDATE etl_files
SET forgotten_by = ?2
FROM (SELECT run_id, user_id, number, started_at FROM etl_runs WHERE run_id = ?1) r
WHERE
    etl_files.user_id = r.user_id
    AND (
        etl_files.run_id = r.run_id
        OR etl_files.number >= r.number
            AND (etl_files.number > 0 OR etl_files.finished_at >= r.started_at)
            AND etl_files.relied_on IS NOT 0
    )
RETURNING sha256, format, path
