-- The user's listens in some hours (since 1970) of some clients.
SELECT l.track_id, floor(date_part('epoch', l.listened_at))::bigint AS second, l.client
FROM public.listens l
JOIN unnest($2::bigint[]) AS h (hour) ON h.hour = floor(date_part('epoch', l.listened_at) / 3600)::bigint
WHERE
    l.user_id = $1::integer
    AND l.listened_at >= to_timestamp($3::bigint * 3600)
    AND l.listened_at < to_timestamp(($4::bigint + 1) * 3600)
    AND l.client = ANY ($5::text[])
