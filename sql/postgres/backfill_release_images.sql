-- Images for releases that have none: a URL and a random id, as Koito's own task stores them.
UPDATE public.releases e SET image = gen_random_uuid(), image_source = w.url
FROM unnest($1::integer[], $2::text[]) AS w (id, url)
WHERE e.id = w.id AND e.image IS NULL
RETURNING e.id
