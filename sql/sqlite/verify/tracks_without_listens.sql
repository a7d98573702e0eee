-- warning: tracks without listens; Koito removes them with the next merge
SELECT t.id, n.alias AS title
FROM tracks t
LEFT JOIN track_aliases n ON n.track_id = t.id AND n.is_primary
WHERE NOT EXISTS (SELECT 1 FROM listens l WHERE l.track_id = t.id)
ORDER BY t.id
