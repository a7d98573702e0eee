-- At the end of a batch: the artists, releases, tracks and users that it refers to but that do not exist. The existing
-- ones are locked until the batch ends. This replaces the row-by-row checks of foreign keys, and checks nothing if
-- those are on. Rows are locked in the order of their ids, to prevent deadlocks.
WITH asked AS (
    SELECT current_setting('session_replication_role') = 'replica' AS here
), artists AS MATERIALIZED (
    SELECT id FROM public.artists WHERE (SELECT here FROM asked) AND id = ANY ($1::integer[]) ORDER BY id FOR KEY SHARE
), releases AS MATERIALIZED (
    SELECT id FROM public.releases WHERE (SELECT here FROM asked) AND id = ANY ($2::integer[]) ORDER BY id FOR KEY SHARE
), tracks AS MATERIALIZED (
    SELECT id FROM public.tracks WHERE (SELECT here FROM asked) AND id = ANY ($3::integer[]) ORDER BY id FOR KEY SHARE
), users AS MATERIALIZED (
    SELECT id FROM public.users WHERE (SELECT here FROM asked) AND id = ANY ($4::integer[]) ORDER BY id FOR KEY SHARE
)
SELECT 'artists' AS entity, g.id
FROM (SELECT unnest($1::integer[]) EXCEPT SELECT id FROM artists) AS g (id) JOIN asked ON here
UNION ALL
SELECT 'releases' AS entity, g.id
FROM (SELECT unnest($2::integer[]) EXCEPT SELECT id FROM releases) AS g (id) JOIN asked ON here
UNION ALL
SELECT 'tracks' AS entity, g.id
FROM (SELECT unnest($3::integer[]) EXCEPT SELECT id FROM tracks) AS g (id) JOIN asked ON here
UNION ALL
SELECT 'users' AS entity, g.id
FROM (SELECT unnest($4::integer[]) EXCEPT SELECT id FROM users) AS g (id) JOIN asked ON here
