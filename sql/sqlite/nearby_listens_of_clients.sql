-- The listens of the user ?1 in some hours (since 1970, ?2; from ?3 to ?4) of the clients ?5.
-- The + prevents SQLite from using the index of users, which does not narrow the search.
SELECT l.track_id, l.listened_at AS second, l.client
FROM json_each(?2) h
CROSS JOIN listens l ON l.listened_at >= h.value * 3600 AND l.listened_at < (h.value + 1) * 3600
WHERE
    +l.user_id = ?1
    AND h.value BETWEEN ?3 AND ?4
    AND l.client IN (SELECT c.value FROM json_each(?5) c)
