-- Inserts the listens of the staging table. They are ordered by the conflict key, to prevent deadlocks; the anti-join
-- before that is faster than a conflict per row. A batch has tracks in the order of their ids: the first and the last
-- id tell the planner that it needs a range of the index, not the table.
INSERT INTO public.listens (track_id, listened_at, client, user_id)
SELECT s.track_id, s.listened_at, s.client, s.user_id
FROM pg_temp.etl_stage s
WHERE NOT EXISTS (SELECT FROM public.listens l WHERE l.track_id = s.track_id AND l.listened_at = s.listened_at
    AND l.track_id BETWEEN $1::integer AND $2::integer)
ORDER BY s.track_id, s.listened_at
ON CONFLICT (track_id, listened_at) DO NOTHING
RETURNING track_id, listened_at
