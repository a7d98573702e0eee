-- Durations (seconds) for tracks that have none.
UPDATE tracks AS e SET duration = CAST(w.value->>1 AS INTEGER)
FROM json_each(?1) w
WHERE e.id = w.value->>0 AND e.duration = 0
RETURNING id
