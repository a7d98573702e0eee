-- Staged listens that the database has for another user, because Koito's key does not include the user. The range of
-- tracks is as in insert_listens.sql.
SELECT s.track_id, s.listened_at
FROM pg_temp.etl_stage s
JOIN public.listens l ON l.track_id = s.track_id AND l.listened_at = s.listened_at
WHERE l.user_id <> s.user_id AND l.track_id BETWEEN $1::integer AND $2::integer
