-- Called by etl/resolve/snapshot.py: ids for the artists, releases and tracks that a plan creates.
SELECT 'artists' AS entity, nextval(pg_get_serial_sequence('public.artists', 'id'))::integer AS id
FROM generate_series(1, $1::integer)
UNION ALL
SELECT 'releases', nextval(pg_get_serial_sequence('public.releases', 'id'))::integer FROM generate_series(1, $2::integer)
UNION ALL
SELECT 'tracks', nextval(pg_get_serial_sequence('public.tracks', 'id'))::integer FROM generate_series(1, $3::integer)
