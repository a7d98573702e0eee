-- After the last batch: the files of a run, their records and unresolved listens.
UPDATE etl.files f
SET records = w.records, unresolved = w.unresolved, finished_at = now()
FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[]) AS w (sha256, format, options, records, unresolved)
WHERE f.sha256 = w.sha256 AND f.format = w.format AND f.options = w.options AND f.run_id = $1
