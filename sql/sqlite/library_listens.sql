-- All listens of the user ?1, whichever program wrote them. An unknown client, which Koito stores as '', is null.
SELECT l.track_id, l.listened_at AS second, nullif(l.client, '') AS client
FROM listens l
WHERE l.user_id = ?1
ORDER BY l.listened_at, l.track_id
