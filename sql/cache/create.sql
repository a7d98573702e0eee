-- The table of cached answers from the services that a backfill asks, as JSON.
CREATE TABLE IF NOT EXISTS answers (
    question text PRIMARY KEY,
    value blob NOT NULL,
    is_found integer NOT NULL,
    answered_at integer NOT NULL
) STRICT, WITHOUT ROWID
