-- In the transaction of a batch of an undo: run, batch, listens to remove, listens removed.
INSERT INTO etl_batches (run_id, batch, listens, inserted, artists, albums, tracks, witnesses, removed)
VALUES (?1, ?2, ?3, 0, 0, 0, 0, '[]', ?4)
