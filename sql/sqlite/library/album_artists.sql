-- The artists of all albums, and whether they are the main one.
SELECT release_id AS album_id, artist_id, is_primary FROM artist_releases
