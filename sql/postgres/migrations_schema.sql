-- After the database is identified as one that we load into: the schema of our tables.
CREATE SCHEMA IF NOT EXISTS etl;
