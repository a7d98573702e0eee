-- The listens with ids instead of names, which is faster to count
CREATE VIEW plays AS
SELECT listened_at, local_time, track_id, album_id, duration, client FROM stored_listens
