-- In the transaction of a batch of an undo: run, batch, listens to remove, listens removed.
INSERT INTO etl.batches (run_id, batch, listens, inserted, artists, albums, tracks, removed)
VALUES ($1, $2::integer, $3::bigint, 0, 0, 0, 0, $4::bigint)
