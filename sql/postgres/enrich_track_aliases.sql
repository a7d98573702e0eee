-- Adds aliases to tracks, which keep all existing names. In a fixed order, to prevent deadlocks.
INSERT INTO public.track_aliases (track_id, alias, source, is_primary)
SELECT e.id, w.alias, w.source, false
FROM unnest($1::integer[], $2::text[], $3::text[]) AS w (id, alias, source)
JOIN public.tracks e ON e.id = w.id
ORDER BY 1, 2
ON CONFLICT DO NOTHING
