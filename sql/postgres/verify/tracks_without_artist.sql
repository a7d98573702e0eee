-- damage: tracks without an artist, which Koito cannot show; deleting an artist in Koito can leave them behind
SELECT t.id, n.alias AS title, (SELECT count(*) FROM public.listens l WHERE l.track_id = t.id) AS listens
FROM public.tracks t
LEFT JOIN public.track_aliases n ON n.track_id = t.id AND n.is_primary
WHERE NOT EXISTS (SELECT FROM public.artist_tracks c WHERE c.track_id = t.id)
ORDER BY t.id
