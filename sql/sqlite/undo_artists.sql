-- Removes the given artists that have neither tracks nor albums; their names go with them.
DELETE FROM artists
WHERE
    id IN (SELECT value FROM json_each(?1))
    AND NOT EXISTS (SELECT 1 FROM artist_tracks l WHERE l.artist_id = artists.id)
    AND NOT EXISTS (SELECT 1 FROM artist_releases l WHERE l.artist_id = artists.id)
RETURNING id
