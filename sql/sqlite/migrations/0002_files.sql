-- Table etl_files: the files that were loaded, so that none is read again.
-- One row for the same bytes, read the same way, for the same user. A row is written before the file's first batch
-- (finished_at is null) and completed after its last. relied_on counts rows that were not loaded because of a listen that
-- another run may have inserted; forgotten_by is the undo that made the file unknown again.
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
    relied_on INTEGER,
    forgotten_by TEXT,
    PRIMARY KEY (sha256, user_id, format, options)
)
