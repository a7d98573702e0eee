-- The steps of run.json, in their order, with their seconds
CREATE VIEW timings AS
SELECT step.key AS step, step.value AS seconds
FROM (
    SELECT unnest(map_entries((
        regexp_replace(content, '\\ud[89a-f][0-9a-f]{2}', '\\ufffd', 'g')::JSON->'timings'
    )::MAP(VARCHAR, DOUBLE))) AS step
    FROM read_text(getvariable('run') || '/run.json')
)
