-- The listens of the files, as they were read
CREATE VIEW listens AS FROM read_parquet(getvariable('run') || '/listens.parquet')
