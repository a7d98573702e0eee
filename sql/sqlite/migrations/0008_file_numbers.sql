-- Table etl_files: the greatest number of a run when the file was completed; 0 until then.
ALTER TABLE etl_files ADD COLUMN number INTEGER NOT NULL DEFAULT 0
