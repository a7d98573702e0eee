-- In a dry run: the listens (track, second) that the database already has, and their users.
SELECT l.track_id, l.listened_at, l.user_id
FROM unnest($1::integer[], $2::bigint[]) AS w (track_id, second)
JOIN public.listens l ON l.track_id = w.track_id AND l.listened_at = to_timestamp(w.second)
