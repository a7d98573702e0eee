-- MBIDs for tracks that have none.
UPDATE public.tracks t SET musicbrainz_id = w.mbid::uuid
FROM unnest($1::integer[], $2::text[]) AS w (id, mbid)
WHERE t.id = w.id AND t.musicbrainz_id IS NULL
