-- The likely doubles, skipped or loaded, each next to the listen that it is a double of
CREATE VIEW likely_doubles AS FROM read_parquet(getvariable('run') || '/likely_doubles.parquet')
