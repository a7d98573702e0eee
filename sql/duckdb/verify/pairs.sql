-- of listens with the same track and second, one counts and the others are its duplicates
SELECT
    track_id,
    epoch_us(listened_at) // 1000000 AS second,
    count(*) FILTER (WHERE outcome IN ('inserted', 'already_present')) AS counted,
    count(*) FILTER (WHERE outcome = 'duplicate_in_input') AS duplicates
FROM counted
WHERE outcome NOT IN ('unresolved', 'not_reached')
GROUP BY ALL
HAVING counted <> 1
ORDER BY ALL
