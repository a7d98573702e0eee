-- Removes the artists ?2 from those of the albums ?1 on which they have no track left; never an album's last artist.
-- The plus sign prevents SQLite from looking up each artist on each album.
DELETE FROM artist_releases
WHERE
    release_id IN (SELECT value FROM json_each(?1))
    AND +artist_id IN (SELECT value FROM json_each(?2))
    AND NOT EXISTS (
        SELECT 1
        FROM tracks t
        CROSS JOIN artist_tracks l ON l.track_id = t.id AND l.artist_id = artist_releases.artist_id
        WHERE t.release_id = artist_releases.release_id
    )
    AND EXISTS (
        SELECT 1
        FROM tracks t
        CROSS JOIN artist_tracks l ON l.track_id = t.id AND l.artist_id <> artist_releases.artist_id
        CROSS JOIN artist_releases o ON o.artist_id = l.artist_id AND o.release_id = t.release_id
        WHERE t.release_id = artist_releases.release_id
    )
