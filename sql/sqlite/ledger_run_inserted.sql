-- What the batches of a run say, for its accounting.
SELECT coalesce(sum(inserted), 0) AS inserted FROM etl_batches WHERE run_id = ?1
