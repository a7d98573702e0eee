-- Images for releases that have none: as Koito's task does, an address and a random id.
UPDATE public.releases e SET image = gen_random_uuid(), image_source = w.url
FROM unnest($1::integer[], $2::text[]) AS w (id, url)
WHERE e.id = w.id AND e.image IS NULL
RETURNING e.id
