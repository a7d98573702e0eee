-- Staged listens of the tracks ?1 to ?2 that the database has for another user, because Koito's key does not include
-- the user.
SELECT s.track_id, s.listened_at
FROM temp.etl_stage s
CROSS JOIN listens l ON l.track_id = s.track_id AND l.listened_at = s.listened_at
WHERE l.user_id <> s.user_id AND s.track_id BETWEEN ?1 AND ?2
