-- warning: artists of an album on which they have no track; the next merge in Koito removes them
SELECT c.release_id AS album_id, c.artist_id
FROM artist_releases c
WHERE
    EXISTS (SELECT 1 FROM tracks t WHERE t.release_id = c.release_id)
    AND EXISTS (SELECT 1 FROM artist_tracks a WHERE a.artist_id = c.artist_id)
    AND NOT EXISTS (
        SELECT 1
        FROM tracks t
        JOIN artist_tracks a ON a.track_id = t.id
        WHERE t.release_id = c.release_id AND a.artist_id = c.artist_id
    )
ORDER BY c.release_id, c.artist_id
