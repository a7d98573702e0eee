-- The albums with listens, with their artists, the main one first
CREATE VIEW albums AS
SELECT r.album_id, r.album, r.artist, r.various_artists, r.mbid, l.tracks, l.listens
FROM stored_albums r
JOIN (SELECT album_id, count(*) AS tracks, sum(listens)::BIGINT AS listens FROM tracks GROUP BY album_id) l USING (album_id)
