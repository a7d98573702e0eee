-- The tracks with listens: artists (the main one first), album, length in seconds
CREATE VIEW tracks AS
SELECT t.track_id, t.track, t.artist, r.album, t.duration, t.mbid, t.album_id, t.listens
FROM stored_tracks t
LEFT JOIN stored_albums r USING (album_id)
