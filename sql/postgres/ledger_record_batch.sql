-- In the transaction of a batch: run, batch, listens staged, listens inserted, entities created.
-- Only if the run is in the ledger: foreign keys of a batch may be unchecked (see
-- etl/targets/postgres/foreign_keys.py).
INSERT INTO etl.batches (run_id, batch, listens, inserted, artists, albums, tracks)
SELECT run_id, $2::integer, $3::bigint, $4::bigint, $5::integer, $6::integer, $7::integer
FROM etl.runs
WHERE run_id = $1
FOR KEY SHARE
