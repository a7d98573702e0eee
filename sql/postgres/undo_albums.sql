-- Removes the given albums that have no tracks, with their names and credits.
WITH gone AS MATERIALIZED (
    SELECT r.id
    FROM public.releases r
    WHERE
        r.id = ANY ($1::integer[])
        AND NOT EXISTS (SELECT FROM public.tracks t WHERE t.release_id = r.id)
        AND NOT EXISTS (SELECT FROM public.track_lookup k WHERE k.album_id = r.id)
), names AS (
    DELETE FROM public.release_aliases n USING gone g WHERE n.release_id = g.id
), credits AS (
    DELETE FROM public.artist_releases l USING gone g WHERE l.release_id = g.id
)
DELETE FROM public.releases r USING gone g WHERE r.id = g.id RETURNING r.id
