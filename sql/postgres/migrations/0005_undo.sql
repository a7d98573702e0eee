-- Columns of the ledger that the command undo needs.
-- The undo that has undone the run, or has begun to; in the second case it is not finished.
ALTER TABLE etl.runs ADD COLUMN undone_by text;

-- Rows of the file that were not loaded because of a listen that another run may have inserted: null where a run of an
-- earlier version loaded the file.
ALTER TABLE etl.files ADD COLUMN relied_on bigint;

-- The undo that made the file unknown again.
ALTER TABLE etl.files ADD COLUMN forgotten_by text;

-- The listens that the batch of an undo removed.
ALTER TABLE etl.batches ADD COLUMN removed bigint NOT NULL DEFAULT 0;
