-- Adds artists of a listen to an existing release; Koito may have added them already.
INSERT INTO public.artist_releases (artist_id, release_id, is_primary)
SELECT w.artist_id, w.release_id, false
FROM unnest($1::integer[], $2::integer[]) AS w (artist_id, release_id)
ORDER BY 1, 2
ON CONFLICT DO NOTHING
