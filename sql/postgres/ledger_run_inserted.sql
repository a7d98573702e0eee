-- What the batches of a run say, for its accounting.
SELECT coalesce(sum(inserted), 0)::bigint AS inserted FROM etl.batches WHERE run_id = $1
