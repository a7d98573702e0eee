-- Table etl_runs: the number of the run, which orders runs without the clock, because that can be set back.
-- Each run has a greater number than those that began or ended before it. A run of before this migration has 0, and is
-- ordered by its times.
ALTER TABLE etl_runs ADD COLUMN number INTEGER NOT NULL DEFAULT 0
