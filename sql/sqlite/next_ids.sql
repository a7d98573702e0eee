-- Ids for the artists (?1), releases (?2) and tracks (?3) that a plan creates: those after the highest, as SQLite
-- itself assigns them. They are free as long as no other program has written since.
WITH RECURSIVE numbers (n) AS (
    SELECT 1
    UNION ALL
    SELECT n + 1 FROM numbers WHERE n < max(?1, ?2, ?3)
), last AS MATERIALIZED (
    SELECT
        (SELECT coalesce(max(id), 0) FROM artists) AS artist,
        (SELECT coalesce(max(id), 0) FROM releases) AS release,
        (SELECT coalesce(max(id), 0) FROM tracks) AS track
)
SELECT 'artists' AS entity, artist + n AS id FROM last, numbers WHERE n <= ?1
UNION ALL
SELECT 'releases', release + n FROM last, numbers WHERE n <= ?2
UNION ALL
SELECT 'tracks', track + n FROM last, numbers WHERE n <= ?3
