-- In a dry run: the listens (track, second) that the database already has, and their users.
SELECT l.track_id, l.listened_at, l.user_id
FROM json_each(?1) w
CROSS JOIN listens l ON l.track_id = w.value->>0 AND l.listened_at = w.value->>1
