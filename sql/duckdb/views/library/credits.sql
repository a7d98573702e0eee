-- The artists of each track; is_primary marks the main artist
CREATE VIEW credits AS FROM stored_track_artists
