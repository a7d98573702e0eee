-- All listens of the user ?1, whoever wrote them. The + has the table read in its own order, and not by the index of users.
SELECT l.track_id, l.listened_at, nullif(l.client, '') AS client
FROM listens l
WHERE +l.user_id = ?1
