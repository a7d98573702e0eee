-- Table etl_files: the files that were loaded, so that none is read again.
-- One row for the same bytes, read the same way, for the same user. A row is written before the file's first batch
-- (finished_at is null) and completed after its last.
CREATE TABLE etl_files (
    sha256 TEXT NOT NULL,
    user_id INTEGER NOT NULL,
    format TEXT NOT NULL,
    options TEXT NOT NULL,
    spotify_time TEXT NOT NULL,
    run_id TEXT NOT NULL,
    path TEXT NOT NULL,
    records INTEGER,
    unresolved INTEGER,
    finished_at INTEGER,
    PRIMARY KEY (sha256, user_id, format, options)
)
