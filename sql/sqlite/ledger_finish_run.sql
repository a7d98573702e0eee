-- At the end: run, status, exit code. The count is the sum of the batches' entries, not the run's own count.
UPDATE etl_runs
SET finished_at = unixepoch(), status = ?2, exit_code = ?3,
    end_number = (SELECT max(max(r.number, r.end_number)) + 1 FROM etl_runs r),
    inserted = (SELECT coalesce(sum(b.inserted), 0) FROM etl_batches b WHERE b.run_id = ?1)
WHERE run_id = ?1
