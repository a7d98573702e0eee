-- Which artists each track names; is_primary says which one is the main artist
CREATE VIEW credits AS FROM stored_track_artists
