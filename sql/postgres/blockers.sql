-- The other sessions that block our backends $1, the table that they lock, if any, and how to identify them.
SELECT DISTINCT
    b.pid,
    nullif(a.application_name, '') AS program,
    a.usename::text AS username,
    a.state,
    to_char(coalesce(a.state_change, a.backend_start), 'YYYY-MM-DD HH24:MI:SS') AS since,
    l.relation::regclass::text AS relation
FROM unnest($1::integer[]) AS w (pid)
CROSS JOIN LATERAL unnest(pg_blocking_pids(w.pid)) AS b (pid)
LEFT JOIN pg_locks l ON l.pid = w.pid AND NOT l.granted
LEFT JOIN pg_stat_activity a ON a.pid = b.pid
WHERE b.pid <> ALL ($1::integer[])
ORDER BY b.pid
