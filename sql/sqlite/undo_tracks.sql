-- Removes the given tracks that have no listens; their names and credits go with them.
DELETE FROM tracks
WHERE
    id IN (SELECT value FROM json_each(?1))
    AND NOT EXISTS (SELECT 1 FROM listens l WHERE l.track_id = tracks.id)
RETURNING id
