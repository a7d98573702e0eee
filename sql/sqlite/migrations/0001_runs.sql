-- Table etl_runs: the loads, each with its outcome.
-- undone_by is the undo that has undone the run, or has begun to; in the second case it is not finished.
CREATE TABLE etl_runs (
    run_id TEXT PRIMARY KEY,
    source TEXT NOT NULL,
    user_id INTEGER NOT NULL,
    started_at INTEGER NOT NULL DEFAULT (unixepoch()),
    finished_at INTEGER,
    status TEXT,
    exit_code INTEGER,
    inserted INTEGER,
    undone_by TEXT
)
