-- Makes the oldest remaining artist of an album its main artist, if the album has lost its main artist.
UPDATE artist_releases
SET is_primary = 1
WHERE
    release_id IN (SELECT value FROM json_each(?1))
    AND NOT EXISTS (SELECT 1 FROM artist_releases o WHERE o.release_id = artist_releases.release_id AND o.is_primary = 1)
    AND artist_id = (SELECT min(o.artist_id) FROM artist_releases o WHERE o.release_id = artist_releases.release_id)
