-- Adds aliases to artists, which keep all existing names. In a fixed order, to prevent deadlocks.
INSERT INTO public.artist_aliases (artist_id, alias, source, is_primary)
SELECT e.id, w.alias, w.source, false
FROM unnest($1::integer[], $2::text[], $3::text[]) AS w (id, alias, source)
JOIN public.artists e ON e.id = w.id
ORDER BY 1, 2
ON CONFLICT DO NOTHING
