-- How many of some listens (track, second) are there, and an order-free checksum of them.
SELECT
    count(*) AS listens,
    coalesce(sum(('x' || left(md5(w.track_id || ':' || w.second), 15))::bit(60)::bigint), 0)::text AS checksum
FROM unnest($1::integer[], $2::bigint[]) AS w (track_id, second)
JOIN public.listens l ON l.track_id = w.track_id AND l.listened_at = to_timestamp(w.second)
