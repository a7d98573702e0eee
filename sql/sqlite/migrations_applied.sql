-- What has been applied.
SELECT version, name, checksum FROM etl_migrations ORDER BY version
