-- Inserts a live listen (?2: seconds since 1970, ?3: client) of the track ?1 by the user ?4. Returns no row if it
-- exists already.
INSERT INTO listens (track_id, listened_at, client, user_id)
VALUES (?1, ?2, coalesce(?3, ''), ?4)
ON CONFLICT (track_id, listened_at) DO NOTHING
RETURNING track_id
