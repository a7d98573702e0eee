-- Removes the given artists that have neither tracks nor albums, with their names.
WITH gone AS MATERIALIZED (
    SELECT a.id
    FROM public.artists a
    WHERE
        a.id = ANY ($1::integer[])
        AND NOT EXISTS (SELECT FROM public.artist_tracks l WHERE l.artist_id = a.id)
        AND NOT EXISTS (SELECT FROM public.artist_releases l WHERE l.artist_id = a.id)
        AND NOT EXISTS (SELECT FROM public.track_lookup k WHERE k.artist_id = a.id)
), names AS (
    DELETE FROM public.artist_aliases n USING gone g WHERE n.artist_id = g.id
)
DELETE FROM public.artists a USING gone g WHERE a.id = g.id RETURNING a.id
