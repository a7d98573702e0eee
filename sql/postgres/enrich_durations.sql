-- Durations (seconds) for tracks that have none.
UPDATE public.tracks t SET duration = w.duration
FROM unnest($1::integer[], $2::integer[]) AS w (id, duration)
WHERE t.id = w.id AND t.duration = 0
