-- When the undo $2 of the run $1 begins: the files that are no longer known.
-- They are the run's own files, and files loaded since for which a listen of the run may have counted. Times decide only
-- between entries that have no number.
UPDATE etl.files f
SET forgotten_by = $2
FROM etl.runs r
WHERE
    r.run_id = $1
    AND f.user_id = r.user_id
    AND (
        f.run_id = r.run_id
        OR f.number >= r.number
            AND (f.number > 0 OR f.finished_at >= r.started_at)
            AND f.relied_on IS DISTINCT FROM 0
    )
RETURNING f.sha256, f.format, f.path
