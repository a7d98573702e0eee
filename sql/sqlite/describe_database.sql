-- The facts that identify the kind of file. Columns are named table.column; our own tables are omitted.
WITH tables AS (
    SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
)
SELECT
    EXISTS (SELECT 1 FROM tables WHERE name = 'goose_db_version') AS has_goose,
    EXISTS (SELECT 1 FROM tables WHERE name = 'etl_migrations') AS has_migrations,
    EXISTS (SELECT 1 FROM tables WHERE name = 'etl_track_lookup') AS has_lookup,
    (SELECT json_group_array(name) FROM tables WHERE name NOT LIKE 'etl\_%' ESCAPE '\') AS tables,
    (
        SELECT json_group_array(t.name || '.' || c.name)
        FROM tables t
        JOIN pragma_table_info(t.name) c
        WHERE t.name NOT LIKE 'etl\_%' ESCAPE '\'
    ) AS columns
