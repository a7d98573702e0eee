-- Before each batch: the staging table of the connection, which a rollback may have removed.
CREATE TEMP TABLE IF NOT EXISTS etl_stage (
    track_id INTEGER NOT NULL,
    listened_at INTEGER NOT NULL,
    client TEXT NOT NULL,
    user_id INTEGER NOT NULL
)
