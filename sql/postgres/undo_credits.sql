-- Removes the artists $2 from those of the albums $1 on which they have no track left; never an album's last artist.
DELETE FROM public.artist_releases c
WHERE
    c.release_id = ANY ($1::integer[])
    AND c.artist_id = ANY ($2::integer[])
    AND NOT EXISTS (
        SELECT
        FROM public.artist_tracks l
        JOIN public.tracks t ON t.id = l.track_id
        WHERE l.artist_id = c.artist_id AND t.release_id = c.release_id
    )
    AND EXISTS (
        SELECT
        FROM public.artist_releases o
        JOIN public.artist_tracks l ON l.artist_id = o.artist_id
        JOIN public.tracks t ON t.id = l.track_id AND t.release_id = o.release_id
        WHERE o.release_id = c.release_id AND o.artist_id <> c.artist_id
    )
