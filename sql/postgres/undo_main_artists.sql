-- Makes the oldest remaining artist of an album its main artist, if the album has lost its main artist.
UPDATE public.artist_releases c
SET is_primary = true
WHERE
    c.release_id = ANY ($1::integer[])
    AND NOT EXISTS (SELECT FROM public.artist_releases o WHERE o.release_id = c.release_id AND o.is_primary)
    AND c.artist_id = (SELECT min(o.artist_id) FROM public.artist_releases o WHERE o.release_id = c.release_id)
