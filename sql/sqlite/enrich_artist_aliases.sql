-- Adds aliases to artists, which keep all existing names.
INSERT INTO artist_aliases (artist_id, alias, source, is_primary)
SELECT e.id, w.value->>1, w.value->>2, 0
FROM json_each(?1) w
CROSS JOIN artists e ON e.id = w.value->>0
WHERE true
ORDER BY 1, 2
ON CONFLICT DO NOTHING
