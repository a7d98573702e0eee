-- Aliases of artists, except those that another artist has: listens by that name could then go to either of the two.
INSERT INTO public.artist_aliases (artist_id, alias, source, is_primary)
SELECT e.id, w.alias, 'MusicBrainz', false
FROM unnest($1::integer[], $2::text[]) AS w (id, alias)
JOIN public.artists e ON e.id = w.id
WHERE NOT EXISTS (SELECT FROM public.artist_aliases o WHERE o.alias = w.alias AND o.artist_id <> e.id)
ORDER BY 1, 2
ON CONFLICT DO NOTHING
RETURNING artist_id AS id
