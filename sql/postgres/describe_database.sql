-- The facts that identify the kind of database.
SELECT
    current_setting('server_version_num')::integer AS server_version,
    current_setting('server_version') AS server_version_text,
    current_database()::text AS name,
    current_setting('server_encoding') AS encoding,
    to_regclass('public.goose_db_version') IS NOT NULL AS has_goose,
    to_regnamespace('etl') IS NOT NULL AS has_schema,
    to_regclass('etl.migrations') IS NOT NULL AS has_migrations,
    to_regclass('public.track_lookup') IS NOT NULL AS has_lookup,
    ARRAY(
        SELECT n.nspname || '.' || c.relname
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\_%' AND n.nspname NOT IN ('information_schema', 'etl')
        ORDER BY c.relname, n.nspname
    ) AS tables
