-- The listens that the database must have after the run, each track and second once.
WITH stored AS (
    SELECT file, row, lookup_key, track_id, epoch_us(listened_at) // 1000000 AS second, outcome
    FROM counted
    WHERE outcome IN ('inserted', 'already_present')
    UNION ALL
    SELECT
        file,
        row,
        lookup_key,
        regexp_extract(detail, '!(-?\d+):(-?\d+)$', 1)::INTEGER,
        regexp_extract(detail, '!(-?\d+):(-?\d+)$', 2)::BIGINT,
        outcome
    FROM outcome
    WHERE outcome = 'already_present' AND starts_with(detail, 'the same listen as database!')
)
SELECT DISTINCT ON (track_id, second) file, row, lookup_key, track_id, second, outcome
FROM stored
ORDER BY track_id, second, file, row
