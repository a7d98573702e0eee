-- Table etl_batches: what each transaction of a load wrote.
-- Written in the transaction that inserts the batch's listens: the sum of inserted is what the run has inserted.
-- The batches of an undo say how many listens they removed.
-- The witnesses are some of its listens, as rows [track, second, rowid of listens]: if all witnesses of a
-- run are missing, its files count as not loaded.
CREATE TABLE etl_batches (
    run_id TEXT NOT NULL,
    batch INTEGER NOT NULL,
    listens INTEGER NOT NULL,
    inserted INTEGER NOT NULL,
    artists INTEGER NOT NULL,
    albums INTEGER NOT NULL,
    tracks INTEGER NOT NULL,
    removed INTEGER NOT NULL DEFAULT 0,
    witnesses TEXT NOT NULL,
    written_at INTEGER NOT NULL DEFAULT (unixepoch()),
    PRIMARY KEY (run_id, batch)
)
