-- All listens of the user ?1, whichever program wrote them. The + makes SQLite read the table in its own order instead
-- of by the index of users.
SELECT l.track_id, l.listened_at, nullif(l.client, '') AS client
FROM listens l
WHERE +l.user_id = ?1
