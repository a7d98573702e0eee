-- After a migration, in its transaction: version, name, checksum.
INSERT INTO etl.migrations (version, name, checksum) VALUES ($1::integer, $2, $3)
