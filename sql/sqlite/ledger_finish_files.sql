-- After the last batch: the files of the run ?1, as rows [sha256, format, options, records, unresolved, relied_on].
UPDATE etl_files
SET records = w.value->>3, unresolved = w.value->>4, relied_on = w.value->>5, finished_at = unixepoch()
FROM json_each(?2) w
WHERE sha256 = w.value->>0 AND format = w.value->>1 AND options = w.value->>2 AND run_id = ?1
