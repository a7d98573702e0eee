-- Once the file is known to be Koito's: the record of migrations.
CREATE TABLE IF NOT EXISTS etl_migrations (
    version INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    applied_at INTEGER NOT NULL DEFAULT (unixepoch())
)
