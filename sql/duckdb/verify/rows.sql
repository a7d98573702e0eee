-- every row is accounted for once, and every listen has one outcome, with its own key and time
WITH accounted AS (
    SELECT file, row, 'skipped' AS became FROM skipped
    UNION ALL
    SELECT file, row, 'rejected' FROM rejects
    UNION ALL
    SELECT file, row, outcome FROM outcome
)
SELECT file, row, string_agg(became, ' and ' ORDER BY became) AS problem
FROM accounted
GROUP BY file, row
HAVING count(*) > 1
UNION ALL
SELECT
    file,
    row,
    CASE
        WHEN o.lookup_key IS NULL THEN 'a listen without an outcome'
        WHEN l.lookup_key IS NULL THEN 'an outcome without a listen'
        ELSE 'the outcome has another key or time than the listen'
    END
FROM listens l
FULL JOIN outcome o USING (file, row)
WHERE l.lookup_key IS DISTINCT FROM o.lookup_key OR l.listened_at IS DISTINCT FROM o.listened_at
ORDER BY file, row
