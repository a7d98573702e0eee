-- The rows that are not listens, with reasons
CREATE VIEW skipped AS FROM read_parquet(getvariable('run') || '/skipped.parquet')
