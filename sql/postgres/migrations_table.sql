-- After the schema: the table that records migrations.
CREATE TABLE IF NOT EXISTS etl.migrations (
    version integer PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
