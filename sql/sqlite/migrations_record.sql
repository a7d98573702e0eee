-- After a migration, in its transaction: version, name, checksum.
INSERT INTO etl_migrations (version, name, checksum) VALUES (?1, ?2, ?3)
