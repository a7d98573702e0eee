-- After a connection is opened: the server process that serves it, and its settings; see session.py.
SELECT
    pg_backend_pid() AS pid,
    current_setting('etl.session', true) AS "etl.session",
    current_setting('TimeZone') AS "TimeZone",
    current_setting('DateStyle') AS "DateStyle",
    current_setting('session_replication_role') AS session_replication_role,
    current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('transaction_timeout', true) AS transaction_timeout
