-- The broken rows, with reasons and places
CREATE VIEW rejects AS FROM read_parquet(getvariable('run') || '/rejects.parquet')
