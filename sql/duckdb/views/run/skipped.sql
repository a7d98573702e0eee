-- The rows that are no listens, with reasons
CREATE VIEW skipped AS FROM read_parquet(getvariable('run') || '/skipped.parquet')
