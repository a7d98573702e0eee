-- When a connection was opened: which process of the server serves it.
SELECT pg_backend_pid() AS pid
