-- warning: tracks without listens; the next merge in Koito removes them
SELECT t.id, n.alias AS title
FROM tracks t
LEFT JOIN track_aliases n ON n.track_id = t.id AND n.is_primary
WHERE NOT EXISTS (SELECT 1 FROM listens l WHERE l.track_id = t.id)
ORDER BY t.id
