-- The keys of the run that are cached. The cost depends on the number of keys, not on the size of the table.
SELECT l.lookup_key, l.artist_id, l.album_id, l.track_id
FROM unnest($1::text[]) AS k (lookup_key)
JOIN public.track_lookup l USING (lookup_key)
