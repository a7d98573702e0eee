-- Durations (seconds) for tracks that have none.
UPDATE tracks SET duration = w.value->>1
FROM json_each(?1) w
WHERE tracks.id = w.value->>0 AND tracks.duration = 0
