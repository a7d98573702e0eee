-- The users of Koito.
SELECT id, username FROM users ORDER BY id
