-- How many of the given listens (track, second) exist, and a checksum of them that does not depend on their order: two
-- sums of fifth powers modulo 2^31 - 1, which give the same result in every database (sql/duckdb/listens_checksum.sql).
WITH mixed AS (
    SELECT
        (w.track_id::bigint * 48271 + w.second) % 2147483647 AS a,
        (w.track_id::bigint * 69621 + w.second * 16807) % 2147483647 AS b
    FROM unnest($1::integer[], $2::bigint[]) AS w (track_id, second)
    JOIN public.listens l ON l.track_id = w.track_id AND l.listened_at = to_timestamp(w.second)
), fourth AS (
    SELECT
        a,
        b,
        (a * a % 2147483647) * (a * a % 2147483647) % 2147483647 AS a4,
        (b * b % 2147483647) * (b * b % 2147483647) % 2147483647 AS b4
    FROM mixed
)
SELECT
    count(*) AS listens,
    coalesce(sum(a4 * a % 2147483647), 0) || ':' || coalesce(sum(b4 * b % 2147483647), 0) AS checksum
FROM fourth
