-- damage: keys whose album is not that of their track, or whose artist is not one of its artists
SELECT k.lookup_key, k.artist_id, k.album_id, k.track_id, t.release_id AS album_of_track
FROM public.track_lookup k
JOIN public.tracks t ON t.id = k.track_id
WHERE
    k.album_id <> t.release_id
    OR EXISTS (SELECT FROM public.artist_tracks c WHERE c.track_id = k.track_id)
    AND NOT EXISTS (SELECT FROM public.artist_tracks c WHERE c.track_id = k.track_id AND c.artist_id = k.artist_id)
ORDER BY k.lookup_key
