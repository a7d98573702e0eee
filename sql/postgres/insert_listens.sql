-- From the staging table into listens. Ordered by the conflict key, so that two writers never
-- wait for each other in a circle; the anti-join first is cheaper than a conflict per row. Given the first and the last
-- track, the planner sees that a batch, which holds tracks in their order, needs a stretch of the index, not the table.
INSERT INTO public.listens (track_id, listened_at, client, user_id)
SELECT s.track_id, s.listened_at, s.client, s.user_id
FROM pg_temp.etl_stage s
WHERE NOT EXISTS (SELECT FROM public.listens l WHERE l.track_id = s.track_id AND l.listened_at = s.listened_at
    AND l.track_id BETWEEN $1::integer AND $2::integer)
ORDER BY s.track_id, s.listened_at
ON CONFLICT (track_id, listened_at) DO NOTHING
RETURNING track_id, listened_at
