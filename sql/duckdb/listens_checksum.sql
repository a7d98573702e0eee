-- The number of listens, and a checksum of them that does not depend on their order: two sums of fifth powers modulo
-- 2^31 - 1, which give the same result in every database (stored_checksum.sql).
WITH mixed AS (
    SELECT
        (track_id::BIGINT * 48271 + second) % 2147483647 AS a,
        (track_id::BIGINT * 69621 + second * 16807) % 2147483647 AS b
    FROM pairs
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
