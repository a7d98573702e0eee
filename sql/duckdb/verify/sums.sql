-- the counts in run.json add up: records to their outcomes, keys to their states
SELECT
    file,
    coalesce(sum(stated) FILTER (WHERE term = 'records'), 0)::BIGINT AS records,
    coalesce(sum(stated) FILTER (WHERE
        term IN ('skipped', 'rejected', 'duplicate_in_input', 'already_present', 'inserted', 'unresolved', 'not_reached')
    ), 0)::BIGINT AS outcomes,
    coalesce(sum(stated) FILTER (WHERE term = 'keys'), 0)::BIGINT AS keys,
    coalesce(sum(stated) FILTER (WHERE term IN ('cache_hits', 'resolved', 'failed', 'keys_not_reached')), 0)::BIGINT AS states
FROM stated_counts
GROUP BY file
HAVING records <> outcomes OR keys <> states
ORDER BY file NULLS FIRST
