-- Once the database is known to be one that we load into: the schema of our tables.
CREATE SCHEMA IF NOT EXISTS etl;
