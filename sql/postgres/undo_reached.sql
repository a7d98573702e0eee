-- How many listens the batches of an undo or dedupe have tried to remove.
SELECT coalesce(sum(listens), 0)::bigint AS reached FROM etl.batches WHERE run_id = $1
