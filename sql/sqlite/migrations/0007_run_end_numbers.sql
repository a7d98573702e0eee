-- Table etl_runs: a number for the end of the run, greater than those of the runs that began or ended before.
-- It is 0 until the run ends.
ALTER TABLE etl_runs ADD COLUMN end_number INTEGER NOT NULL DEFAULT 0
