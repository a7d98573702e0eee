-- Inserts the listens of the staging table, of the tracks ?1 to ?2, except those that exist already.
INSERT INTO listens (track_id, listened_at, client, user_id)
SELECT s.track_id, s.listened_at, s.client, s.user_id
FROM temp.etl_stage s
WHERE s.track_id BETWEEN ?1 AND ?2
ORDER BY s.track_id, s.listened_at
ON CONFLICT (track_id, listened_at) DO NOTHING
RETURNING track_id, listened_at
