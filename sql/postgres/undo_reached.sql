-- How many listens the batches of a run that removes some have looked for.
SELECT coalesce(sum(listens), 0)::bigint AS reached FROM etl.batches WHERE run_id = $1
