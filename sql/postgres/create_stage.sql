-- Once per connection: the staging table of a batch.
CREATE TEMP TABLE IF NOT EXISTS etl_stage (
    track_id integer NOT NULL,
    listened_at timestamptz NOT NULL,
    client text,
    user_id integer NOT NULL
) ON COMMIT DELETE ROWS
