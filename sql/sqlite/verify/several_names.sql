-- damage: artists, albums and tracks with several primary names, which Koito shows and counts once per name
SELECT 'artist' AS entity, artist_id AS id, json_group_array(alias ORDER BY alias) AS names
FROM artist_aliases
WHERE is_primary
GROUP BY artist_id
HAVING count(*) > 1
UNION ALL
SELECT 'album', release_id, json_group_array(alias ORDER BY alias)
FROM release_aliases
WHERE is_primary
GROUP BY release_id
HAVING count(*) > 1
UNION ALL
SELECT 'track', track_id, json_group_array(alias ORDER BY alias)
FROM track_aliases
WHERE is_primary
GROUP BY track_id
HAVING count(*) > 1
ORDER BY entity, id
