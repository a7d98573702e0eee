-- MBIDs for artists that have none.
UPDATE public.artists e SET musicbrainz_id = w.mbid::uuid
FROM unnest($1::integer[], $2::text[]) AS w (id, mbid)
WHERE e.id = w.id AND e.musicbrainz_id IS NULL
RETURNING e.id
