-- What the ledger must know so that a run can be taken back (etl undo).
-- The undo that has taken the run back, or has begun to: then it is not finished.
ALTER TABLE etl.runs ADD COLUMN undone_by text;

-- Rows of the file that were not loaded because of a listen that another run may have inserted: null where a run of an
-- earlier version loaded the file.
ALTER TABLE etl.files ADD COLUMN relied_on bigint;

-- The undo since which the file is not known any more.
ALTER TABLE etl.files ADD COLUMN forgotten_by text;

-- The listens that the batch of an undo removed.
ALTER TABLE etl.batches ADD COLUMN removed bigint NOT NULL DEFAULT 0;
