-- One key of each track that has keys.
SELECT k.track_id, min(k.lookup_key) AS lookup_key
FROM unnest($1::integer[]) AS w (id)
JOIN public.track_lookup k ON k.track_id = w.id
GROUP BY k.track_id
