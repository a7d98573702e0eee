-- At the end of a replay: its id (?1), the runs that it completes (?2), and rows [sha256, format, options, settled_for,
-- unresolved, relied_on].
-- A file that another run has loaded since is not changed. Copies of a file are one entry, which is known for the
-- versions for which all copies are. From now on the file also relies on the listens that the replay inserted.
UPDATE etl_files
SET
    settled_for = w.settled_for,
    unresolved = w.unresolved,
    relied_on = etl_files.relied_on + w.relied_on,
    finished_at = unixepoch(),
    number = (SELECT max(r.number) FROM etl_runs r)
FROM (
    SELECT value->>0 AS sha256, value->>1 AS format, value->>2 AS options, max(value->>3) AS settled_for,
        sum(value->>4) AS unresolved, sum(value->>5) AS relied_on
    FROM json_each(?3)
    GROUP BY 1, 2, 3
) w
WHERE etl_files.sha256 = w.sha256 AND etl_files.format = w.format AND etl_files.options = w.options
    AND etl_files.run_id IN (SELECT value FROM json_each(?2))
    AND etl_files.user_id = (SELECT r.user_id FROM etl_runs r WHERE r.run_id = ?1)
