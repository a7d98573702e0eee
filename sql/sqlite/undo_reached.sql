-- How many listens the batches of the run ?1, which removes some, have looked for.
SELECT coalesce(sum(listens), 0) AS reached FROM etl_batches WHERE run_id = ?1
