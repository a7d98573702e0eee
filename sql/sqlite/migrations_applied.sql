-- The migrations that have been applied.
SELECT version, name, checksum FROM etl_migrations ORDER BY version
