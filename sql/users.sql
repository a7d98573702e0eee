-- Called by etl/targets/ledger.py: the users of Koito.
SELECT id, username FROM public.users ORDER BY id
