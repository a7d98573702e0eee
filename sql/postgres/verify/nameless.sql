-- damage: artists, albums and tracks without a primary name, which Koito does not show
SELECT 'artist' AS entity, e.id
FROM public.artists e
WHERE NOT EXISTS (SELECT FROM public.artist_aliases n WHERE n.artist_id = e.id AND n.is_primary)
UNION ALL
SELECT 'album', e.id
FROM public.releases e
WHERE NOT EXISTS (SELECT FROM public.release_aliases n WHERE n.release_id = e.id AND n.is_primary)
UNION ALL
SELECT 'track', e.id
FROM public.tracks e
WHERE NOT EXISTS (SELECT FROM public.track_aliases n WHERE n.track_id = e.id AND n.is_primary)
ORDER BY entity, id
