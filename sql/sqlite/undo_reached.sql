-- How many listens the batches of the undo or dedupe ?1 have tried to remove.
SELECT coalesce(sum(listens), 0) AS reached FROM etl_batches WHERE run_id = ?1
