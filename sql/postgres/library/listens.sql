-- All listens of a user, whichever program wrote them.
SELECT l.track_id, l.listened_at, nullif(l.client, '') AS client
FROM public.listens l
WHERE l.user_id = $1::integer
