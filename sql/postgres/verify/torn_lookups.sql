-- damage: keys whose album is not that of their track, or whose artist is not one of its artists
-- Joins, because Koito has no index from a track to its artists: a subquery would read all credits for each key.
SELECT k.lookup_key, k.artist_id, k.album_id, k.track_id, t.release_id AS album_of_track
FROM public.track_lookup k
JOIN public.tracks t ON t.id = k.track_id
LEFT JOIN (SELECT DISTINCT track_id FROM public.artist_tracks) c ON c.track_id = k.track_id
LEFT JOIN public.artist_tracks o ON o.track_id = k.track_id AND o.artist_id = k.artist_id
WHERE
    k.album_id <> t.release_id
    OR c.track_id IS NOT NULL AND o.track_id IS NULL
ORDER BY k.lookup_key
