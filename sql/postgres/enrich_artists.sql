-- MBIDs for artists that have none.
UPDATE public.artists a SET musicbrainz_id = w.mbid::uuid
FROM unnest($1::integer[], $2::text[]) AS w (id, mbid)
WHERE a.id = w.id AND a.musicbrainz_id IS NULL
