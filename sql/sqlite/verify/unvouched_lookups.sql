-- warning: keys whose witness, a listen of their track, is missing: the next load looks up their names again
SELECT k.lookup_key, k.track_id
FROM etl_track_lookup k
WHERE
    NOT EXISTS (SELECT 1 FROM listens l WHERE l.rowid = k.listen AND l.listened_at = k.witness)
    AND NOT EXISTS (SELECT 1 FROM listens l WHERE l.track_id = k.track_id AND l.listened_at = k.witness)
ORDER BY k.lookup_key
