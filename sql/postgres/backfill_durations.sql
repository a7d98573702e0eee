-- Durations (seconds) for tracks that have none.
UPDATE public.tracks e SET duration = w.duration::integer
FROM unnest($1::integer[], $2::text[]) AS w (id, duration)
WHERE e.id = w.id AND e.duration = 0
RETURNING e.id
