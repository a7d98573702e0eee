-- Images for artists that have none: a URL and a random id, as Koito's own task stores them.
UPDATE artists AS e SET
    image = lower(format('%s-%s-4%s-%s%s-%s',
        hex(randomblob(4)), hex(randomblob(2)), substr(hex(randomblob(2)), 2),
        substr('89ab', 1 + (random() & 3), 1), substr(hex(randomblob(2)), 2), hex(randomblob(6)))),
    image_source = w.value->>1
FROM json_each(?1) w
WHERE e.id = w.value->>0 AND e.image IS NULL
RETURNING id
