-- The batches of a run that were committed.
SELECT batch FROM etl_batches WHERE run_id = ?1 ORDER BY batch
