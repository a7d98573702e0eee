-- The open connections of other runs, and since when they are open, the oldest first.
SELECT
    a.pid,
    nullif(a.application_name, '') AS program,
    a.usename::text AS username,
    NULL::text AS state,
    to_char(a.backend_start, 'YYYY-MM-DD HH24:MI:SS') AS since
FROM (SELECT hashtextextended('etl.run', 0) AS key) k
JOIN pg_locks l ON l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted AND l.pid <> pg_backend_pid()
    AND l.classid::bigint = (k.key >> 32) & 4294967295 AND l.objid::bigint = k.key & 4294967295
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
JOIN pg_stat_activity a ON a.pid = l.pid AND a.backend_start IS NOT NULL
ORDER BY a.backend_start
