-- every key has as many listens as it states, and all of them have its track
WITH used AS (
    SELECT lookup_key, count(*) AS listens, list(DISTINCT coalesce(track_id, 0)) AS tracks FROM counted GROUP BY lookup_key
)
SELECT
    lookup_key,
    k.status,
    k.listens AS listens_in_keys,
    u.listens AS listens_in_outcome,
    k.track_id AS track_in_keys,
    u.tracks AS tracks_in_outcome
FROM keys k
FULL JOIN used u USING (lookup_key)
WHERE
    k.listens IS DISTINCT FROM u.listens
    OR u.tracks <> [coalesce(k.track_id, 0)]
    OR (k.status IN ('failed', 'not_reached')) <> (k.track_id IS NULL)
ORDER BY lookup_key
