-- All listens of a user, whoever wrote them.
SELECT l.track_id, floor(extract(epoch FROM l.listened_at))::bigint AS second, l.client
FROM public.listens l
WHERE l.user_id = $1::integer
ORDER BY second, l.track_id
