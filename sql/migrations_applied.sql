-- Called by etl/targets/postgres/migrate.py: what has been applied.
SELECT version, name, checksum FROM etl.migrations ORDER BY version
