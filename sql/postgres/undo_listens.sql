-- Removes listens (track, second) of the user $3.
DELETE FROM public.listens l
USING unnest($1::integer[], $2::bigint[]) AS w (track_id, second)
WHERE l.track_id = w.track_id AND l.listened_at = to_timestamp(w.second) AND l.user_id = $3::integer
RETURNING l.track_id, l.listened_at
