-- In the transaction of a batch: the staging table of its keys, which a rollback may have removed.
CREATE TEMP TABLE IF NOT EXISTS etl_lookup_stage (
    lookup_key TEXT NOT NULL,
    artist_id INTEGER NOT NULL,
    track_id INTEGER NOT NULL,
    second INTEGER
)
