-- The users of Koito.
SELECT id, username FROM public.users ORDER BY id
