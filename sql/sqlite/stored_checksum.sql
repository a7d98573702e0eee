-- How many of the given listens (track, second) exist, and a checksum of them that does not depend on their order: two
-- sums of fifth powers modulo 2^31 - 1, which give the same result in every database (sql/duckdb/listens_checksum.sql).
WITH mixed AS (
    SELECT
        (l.track_id * 48271 + l.listened_at) % 2147483647 AS a,
        (l.track_id * 69621 + l.listened_at * 16807) % 2147483647 AS b
    FROM json_each(?1) w
    JOIN listens l ON l.track_id = w.value->>0 AND l.listened_at = w.value->>1
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
