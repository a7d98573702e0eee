-- How many listens the batches of an undo removed, for its accounting.
SELECT coalesce(sum(removed), 0)::bigint AS removed FROM etl.batches WHERE run_id = $1
