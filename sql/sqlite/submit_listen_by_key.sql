-- Inserts a live listen (?2: seconds since 1970, ?3: client) of the user ?4 that has only names, if its key ?1 is
-- cached (as in lookup_keys): from key to row. Returns no row if the key is not cached, or if the listen exists
-- already.
INSERT INTO listens (track_id, listened_at, client, user_id)
SELECT t.id, ?2, coalesce(?3, ''), ?4
FROM etl_track_lookup e
JOIN tracks t ON t.id = coalesce(
    (SELECT l.track_id FROM listens l WHERE l.rowid = e.listen AND l.listened_at = e.witness),
    (SELECT l.track_id FROM listens l WHERE l.track_id = e.track_id AND l.listened_at = e.witness)
)
WHERE e.lookup_key = ?1 AND EXISTS (SELECT 1 FROM artist_tracks c WHERE c.track_id = t.id)
ON CONFLICT (track_id, listened_at) DO NOTHING
RETURNING
    coalesce(
        (SELECT c.artist_id
         FROM etl_track_lookup e
         JOIN artist_tracks c ON c.artist_id = e.artist_id AND c.track_id = listens.track_id
         WHERE e.lookup_key = ?1),
        (SELECT c.artist_id FROM artist_tracks c
         WHERE c.track_id = listens.track_id ORDER BY c.is_primary DESC, c.artist_id LIMIT 1)
    ) AS artist_id,
    (SELECT t.release_id FROM tracks t WHERE t.id = listens.track_id) AS album_id,
    track_id
