-- warning: artists without tracks; the next merge in Koito removes them
SELECT a.id, n.alias AS name
FROM artists a
LEFT JOIN artist_aliases n ON n.artist_id = a.id AND n.is_primary
WHERE NOT EXISTS (SELECT 1 FROM artist_tracks c WHERE c.artist_id = a.id)
ORDER BY a.id
