-- After the server was lost: which batches of a run it has kept.
SELECT batch FROM etl.batches WHERE run_id = $1
