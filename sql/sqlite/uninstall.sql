-- `etl db uninstall`: the statements that remove our tables, which hold only our own data.
SELECT format('DROP TABLE "%w"', name) AS removal
FROM sqlite_schema
WHERE type = 'table' AND name IN ('etl_track_lookup', 'etl_batches', 'etl_files', 'etl_runs', 'etl_migrations')
