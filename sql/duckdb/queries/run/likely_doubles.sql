-- likely doubles, each next to the listen that it is a double of, with the evidence
SELECT
    d.artist,
    d.of_artist,
    d.track,
    d.of_track,
    d.listened_at,
    d.of_listened_at,
    d.service,
    d.of_service,
    d.seconds_apart,
    d.evidence,
    CASE WHEN d.file = 'database' THEN 'removed' ELSE coalesce(o.outcome, 'skipped') END AS outcome,
    d.file,
    d.row,
    d.double_of
FROM likely_doubles d
LEFT JOIN outcome o ON o.file = d.file AND o.row = d.row
ORDER BY d.listened_at, d.file, d.row
