-- Artists of a listen on a release that exists; Koito may have attached them in the meantime.
INSERT INTO artist_releases (artist_id, release_id, is_primary)
SELECT w.value->>0, w.value->>1, 0
FROM json_each(?1) w
WHERE true
ORDER BY 1, 2
ON CONFLICT DO NOTHING
