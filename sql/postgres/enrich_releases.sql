-- MBIDs for releases that have none.
UPDATE public.releases r SET musicbrainz_id = w.mbid::uuid
FROM unnest($1::integer[], $2::text[]) AS w (id, mbid)
WHERE r.id = w.id AND r.musicbrainz_id IS NULL
