-- damage: artists, albums and tracks with several primary names, which Koito shows and counts once per name
SELECT 'artist' AS entity, artist_id AS id, array_agg(alias ORDER BY alias) AS names
FROM public.artist_aliases
WHERE is_primary
GROUP BY artist_id
HAVING count(*) > 1
UNION ALL
SELECT 'album', release_id, array_agg(alias ORDER BY alias)
FROM public.release_aliases
WHERE is_primary
GROUP BY release_id
HAVING count(*) > 1
UNION ALL
SELECT 'track', track_id, array_agg(alias ORDER BY alias)
FROM public.track_aliases
WHERE is_primary
GROUP BY track_id
HAVING count(*) > 1
ORDER BY entity, id
