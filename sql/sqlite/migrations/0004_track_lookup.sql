-- Table etl_track_lookup: the resolved keys, each with a witness: a listen of its track.
-- Koito deletes, merges and reuses ids, and no trigger or foreign key of ours may be in its file. So a key counts only
-- while its listen exists: listens has the row "listen" with the second "witness", which a merge moves to the surviving
-- track, or else the track with that second.
CREATE TABLE etl_track_lookup (
    lookup_key TEXT PRIMARY KEY,
    artist_id INTEGER NOT NULL,
    track_id INTEGER NOT NULL,
    witness INTEGER NOT NULL,
    listen INTEGER NOT NULL,
    created_at INTEGER NOT NULL DEFAULT (unixepoch())
) WITHOUT ROWID
