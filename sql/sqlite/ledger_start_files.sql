-- Before the first batch: the files that a run will load: user, run, rows [sha256, format, options, time, path].
INSERT INTO etl_files (sha256, user_id, format, options, spotify_time, run_id, path)
SELECT w.value->>0, ?1, w.value->>1, w.value->>2, w.value->>3, ?2, min(w.value->>4)
FROM json_each(?3) w
WHERE true
GROUP BY w.value->>0, w.value->>1, w.value->>2
ON CONFLICT (sha256, user_id, format, options) DO UPDATE
SET run_id = excluded.run_id, path = excluded.path, records = NULL, unresolved = NULL, finished_at = NULL,
    relied_on = NULL, forgotten_by = NULL, number = 0
