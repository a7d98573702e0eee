-- Called by etl/targets/postgres/migrate.py once the database is known to be one that we load into: the schema of our tables.
CREATE SCHEMA IF NOT EXISTS etl;
