-- Adds artists of a listen to an existing release; Koito may have added them already.
INSERT INTO artist_releases (artist_id, release_id, is_primary)
SELECT w.value->>0, w.value->>1, 0
FROM json_each(?1) w
WHERE true
ORDER BY 1, 2
ON CONFLICT DO NOTHING
