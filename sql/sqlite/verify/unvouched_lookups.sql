-- warning: keys whose listen is gone, which says what track they stand for: the next load looks their names up again
SELECT k.lookup_key, k.track_id
FROM etl_track_lookup k
WHERE
    NOT EXISTS (SELECT 1 FROM listens l WHERE l.rowid = k.listen AND l.listened_at = k.witness)
    AND NOT EXISTS (SELECT 1 FROM listens l WHERE l.track_id = k.track_id AND l.listened_at = k.witness)
ORDER BY k.lookup_key
