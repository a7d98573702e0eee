-- Before each batch: what the last one left in the staging table.
DELETE FROM temp.etl_stage
