-- What became of each listen
CREATE VIEW outcome AS FROM read_parquet(getvariable('run') || '/outcome.parquet')
