-- After the file is identified as Koito's: the table that records migrations.
CREATE TABLE IF NOT EXISTS etl_migrations (
    version INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    applied_at INTEGER NOT NULL DEFAULT (unixepoch())
)
