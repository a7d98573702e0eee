-- The tables whose next id is already used, as after a restore without sequences, and the statement that repairs each.
-- A sequence that has not given an id yet does not show its position, so one id is taken from it. Sequences that the
-- role may not use are omitted.
SELECT t.entity, format('SELECT setval(%L, max(id)) FROM %s;', t.ids, t.entity) AS repair
FROM (
    VALUES
    ('artists', pg_get_serial_sequence('public.artists', 'id'), (SELECT max(id) FROM public.artists)),
    ('releases', pg_get_serial_sequence('public.releases', 'id'), (SELECT max(id) FROM public.releases)),
    ('tracks', pg_get_serial_sequence('public.tracks', 'id'), (SELECT max(id) FROM public.tracks))
) AS t (entity, ids, highest)
WHERE CASE
    WHEN t.highest IS NULL OR NOT has_sequence_privilege(t.ids, 'USAGE') THEN false
    ELSE coalesce(pg_sequence_last_value(t.ids::regclass), nextval(t.ids::regclass) - 1) < t.highest
END
ORDER BY t.entity
