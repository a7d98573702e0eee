-- At the end: run, status, exit code. The count is the sum of the batches' entries, not the run's own count.
UPDATE etl.runs
SET finished_at = now(), end_number = nextval('etl.numbers'), status = $2, exit_code = $3::integer,
    inserted = (SELECT coalesce(sum(b.inserted), 0) FROM etl.batches b WHERE b.run_id = $1)
WHERE run_id = $1
