-- Removes the given albums that have no tracks; their names and credits go with them.
DELETE FROM releases
WHERE
    id IN (SELECT value FROM json_each(?1))
    AND NOT EXISTS (SELECT 1 FROM tracks t WHERE t.release_id = releases.id)
RETURNING id
