-- Adds aliases to releases, which keep all existing names. In a fixed order, to prevent deadlocks.
INSERT INTO public.release_aliases (release_id, alias, source, is_primary)
SELECT e.id, w.alias, w.source, false
FROM unnest($1::integer[], $2::text[], $3::text[]) AS w (id, alias, source)
JOIN public.releases e ON e.id = w.id
ORDER BY 1, 2
ON CONFLICT DO NOTHING
