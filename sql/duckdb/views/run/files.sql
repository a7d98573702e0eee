-- The files of run.json, with what became of them and their counts
-- (half surrogate pairs, in names that are not UTF-8, are no JSON for DuckDB)
CREATE VIEW files AS
SELECT unnest(
    from_json(
        regexp_replace(content, '\\ud[89a-f][0-9a-f]{2}', '\\ufffd', 'g')::JSON->'files',
        '[{
            "path": "VARCHAR",
            "sha256": "VARCHAR",
            "format": "VARCHAR",
            "status": "VARCHAR",
            "reason": "VARCHAR",
            "counts": {
                "records": "BIGINT",
                "skipped": "BIGINT",
                "rejected": "BIGINT",
                "duplicate_in_input": "BIGINT",
                "already_present": "BIGINT",
                "inserted": "BIGINT",
                "unresolved": "BIGINT",
                "not_reached": "BIGINT",
                "keys": "BIGINT",
                "cache_hits": "BIGINT",
                "resolved": "BIGINT",
                "failed": "BIGINT",
                "keys_not_reached": "BIGINT"
            }
        }]'
    ),
    recursive := true
)
FROM read_text(getvariable('run') || '/run.json')
