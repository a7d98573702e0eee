-- damage: artists, albums and tracks without a primary name, which Koito does not show
SELECT 'artist' AS entity, e.id
FROM artists e
WHERE NOT EXISTS (SELECT 1 FROM artist_aliases n WHERE n.artist_id = e.id AND n.is_primary)
UNION ALL
SELECT 'album', e.id
FROM releases e
WHERE NOT EXISTS (SELECT 1 FROM release_aliases n WHERE n.release_id = e.id AND n.is_primary)
UNION ALL
SELECT 'track', e.id
FROM tracks e
WHERE NOT EXISTS (SELECT 1 FROM track_aliases n WHERE n.track_id = e.id AND n.is_primary)
ORDER BY entity, id
