-- Table etl_track_lookup: the greatest number of a run, or of its end, when the key was stored.
ALTER TABLE etl_track_lookup ADD COLUMN number INTEGER NOT NULL DEFAULT 0
