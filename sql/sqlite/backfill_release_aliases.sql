-- Aliases of releases.
INSERT INTO release_aliases (release_id, alias, source, is_primary)
SELECT e.id, w.value->>1, 'MusicBrainz', 0
FROM json_each(?1) w
JOIN releases e ON e.id = w.value->>0
WHERE true -- the grammar requires it before ON CONFLICT
ORDER BY 1, 2
ON CONFLICT DO NOTHING
RETURNING release_id AS id
