-- warning: artists of an album on which they have no track; the next merge in Koito removes them
SELECT c.release_id AS album_id, c.artist_id
FROM public.artist_releases c
WHERE
    EXISTS (SELECT FROM public.tracks t WHERE t.release_id = c.release_id)
    AND EXISTS (SELECT FROM public.artist_tracks a WHERE a.artist_id = c.artist_id)
    AND NOT EXISTS (
        SELECT
        FROM public.artist_tracks a
        JOIN public.tracks t ON t.id = a.track_id
        WHERE a.artist_id = c.artist_id AND t.release_id = c.release_id
    )
ORDER BY c.release_id, c.artist_id
