-- The artists of all tracks, and whether they are the main one.
SELECT track_id, artist_id, is_primary FROM artist_tracks
