-- The listens as they were read from the files
CREATE VIEW listens AS FROM read_parquet(getvariable('run') || '/listens.parquet')
