-- warning: albums without tracks; the next merge in Koito removes them
SELECT r.id, n.alias AS title
FROM releases r
LEFT JOIN release_aliases n ON n.release_id = r.id AND n.is_primary
WHERE NOT EXISTS (SELECT 1 FROM tracks t WHERE t.release_id = r.id)
ORDER BY r.id
