-- damage: albums without an artist: Koito fails when it looks for their images
SELECT r.id, n.alias AS title
FROM releases r
LEFT JOIN release_aliases n ON n.release_id = r.id AND n.is_primary
WHERE NOT EXISTS (SELECT 1 FROM artist_releases c WHERE c.release_id = r.id)
ORDER BY r.id
