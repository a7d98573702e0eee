-- Which of the run's keys the cache knows. The cost follows the keys, not the table.
SELECT l.lookup_key, l.artist_id, l.album_id, l.track_id
FROM unnest($1::text[]) AS k (lookup_key)
JOIN public.track_lookup l USING (lookup_key)
