-- One key of each of the tracks ?1 that has a key whose witness still exists.
SELECT k.track_id, min(k.lookup_key) AS lookup_key
FROM etl_track_lookup k
JOIN listens l ON l.track_id = k.track_id AND l.listened_at = k.witness
WHERE k.track_id IN (SELECT value FROM json_each(?1))
GROUP BY k.track_id
