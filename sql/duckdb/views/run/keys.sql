-- The distinct artist, track and album texts, with their ids
CREATE VIEW keys AS FROM read_parquet(getvariable('run') || '/keys.parquet')
