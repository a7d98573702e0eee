-- After the last batch: the files of the run ?1, as rows [sha256, format, options, settled_for, records, unresolved,
-- relied_on].
UPDATE etl_files
SET
    settled_for = w.value->>3,
    records = w.value->>4,
    unresolved = w.value->>5,
    relied_on = w.value->>6,
    finished_at = unixepoch(),
    number = (SELECT max(r.number) FROM etl_runs r)
FROM json_each(?2) w
WHERE sha256 = w.value->>0 AND format = w.value->>1 AND options = w.value->>2 AND run_id = ?1
