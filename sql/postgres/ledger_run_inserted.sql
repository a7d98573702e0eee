-- The number of listens that the batches of a run inserted, for its accounting.
SELECT coalesce(sum(inserted), 0)::bigint AS inserted FROM etl.batches WHERE run_id = $1
