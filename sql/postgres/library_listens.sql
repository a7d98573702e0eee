-- All listens of a user, whichever program wrote them. Koito's own importer stored some with a fraction of a second.
-- These are omitted, because other statements identify a listen by its whole second.
SELECT l.track_id, date_part('epoch', l.listened_at)::bigint AS second, l.client
FROM public.listens l
WHERE l.user_id = $1::integer AND l.listened_at = date_trunc('second', l.listened_at)
ORDER BY second, l.track_id
