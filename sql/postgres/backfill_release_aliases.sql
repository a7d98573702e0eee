-- Aliases of releases.
INSERT INTO public.release_aliases (release_id, alias, source, is_primary)
SELECT e.id, w.alias, 'MusicBrainz', false
FROM unnest($1::integer[], $2::text[]) AS w (id, alias)
JOIN public.releases e ON e.id = w.id
ORDER BY 1, 2
ON CONFLICT DO NOTHING
RETURNING release_id AS id
