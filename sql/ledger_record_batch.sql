-- Called by etl/load.py in the transaction of a batch: run, batch, listens staged, listens inserted, entities created.
INSERT INTO etl.batches (run_id, batch, listens, inserted, artists, albums, tracks)
VALUES ($1, $2::integer, $3::bigint, $4::bigint, $5::integer, $6::integer, $7::integer)
