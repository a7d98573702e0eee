-- How many listens the batches of an undo removed, for its accounting.
SELECT coalesce(sum(removed), 0) AS removed FROM etl_batches WHERE run_id = ?1
