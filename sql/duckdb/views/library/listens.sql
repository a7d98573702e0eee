-- All listens, whichever program stored them; local_time is listened_at in the zone of --timezone
CREATE VIEW listens AS
SELECT l.listened_at, l.local_time, t.artist, t.track, t.album, l.duration, l.client, l.track_id, l.album_id
FROM plays l
LEFT JOIN tracks t USING (track_id)
