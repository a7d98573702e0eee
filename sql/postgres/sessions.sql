-- The processes of this program with sessions on the server, except the one with the name $1; one session of each.
SELECT DISTINCT ON (application_name)
    pid,
    application_name AS program,
    NULL::text AS username,
    state,
    to_char(coalesce(state_change, backend_start), 'YYYY-MM-DD HH24:MI:SS') AS since
FROM pg_stat_activity
WHERE backend_type = 'client backend' AND application_name ~ '^etl [0-9]+$' AND application_name <> $1
ORDER BY application_name, state = 'active' DESC, backend_start
