-- the rows of the Parquet files, counted by file and outcome, match run.json
WITH accounted AS (
    SELECT file, 'skipped' AS term FROM skipped
    UNION ALL
    SELECT file, 'rejected' FROM rejects
    UNION ALL
    SELECT file, outcome FROM outcome
), used AS (
    SELECT DISTINCT o.file, k.lookup_key, k.status FROM outcome o JOIN keys k USING (lookup_key)
    UNION ALL
    SELECT NULL, lookup_key, status FROM keys
), found AS (
    SELECT file, unnest(['records', term]) AS term FROM accounted
    UNION ALL
    SELECT NULL, unnest(['records', term]) FROM accounted
    UNION ALL
    SELECT
        file,
        unnest([
            'keys',
            CASE status WHEN 'hit' THEN 'cache_hits' WHEN 'not_reached' THEN 'keys_not_reached' ELSE status END
        ])
    FROM used
), derived AS (
    SELECT file, term, count(*) AS counted FROM found GROUP BY ALL
)
SELECT coalesce(d.file, t.file) AS file, coalesce(d.term, t.term) AS term, t.stated AS run_json, coalesce(d.counted, 0) AS parquet
FROM stated_counts t
FULL JOIN derived d ON d.term = t.term AND d.file IS NOT DISTINCT FROM t.file
WHERE t.stated IS DISTINCT FROM coalesce(d.counted, 0)
ORDER BY file NULLS FIRST, term
