-- The tracks that were listened to, with their artists (the main one first), albums and lengths in seconds
CREATE VIEW tracks AS
SELECT t.track_id, t.track, t.artist, r.album, t.duration, t.mbid, t.album_id, l.listens
FROM stored_tracks t
JOIN (SELECT track_id, count(*) AS listens FROM stored_listens GROUP BY track_id) l USING (track_id)
LEFT JOIN stored_albums r USING (album_id)
