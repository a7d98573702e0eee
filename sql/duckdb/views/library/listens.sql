-- All listens, whoever wrote them; local_time is listened_at on the clocks of --timezone
CREATE VIEW listens AS
SELECT l.listened_at, l.local_time, t.artist, t.track, r.album, t.duration, l.client, l.track_id, t.album_id
FROM stored_listens l
LEFT JOIN stored_tracks t USING (track_id)
LEFT JOIN stored_albums r USING (album_id)
