-- The migrations that have been applied.
SELECT version, name, checksum FROM etl.migrations ORDER BY version
