-- Before the first batch: the files that a run will load.
INSERT INTO etl.files (sha256, user_id, format, options, spotify_time, run_id, path)
SELECT DISTINCT ON (w.sha256, w.format, w.options) w.sha256, $1::integer, w.format, w.options, w.spotify_time, $2, w.path
FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[]) AS w (sha256, format, options, spotify_time, path)
ORDER BY w.sha256, w.format, w.options, w.path
ON CONFLICT (sha256, user_id, format, options) DO UPDATE
SET run_id = excluded.run_id, path = excluded.path, records = NULL, unresolved = NULL, finished_at = NULL,
    relied_on = NULL, forgotten_by = NULL, number = 0
