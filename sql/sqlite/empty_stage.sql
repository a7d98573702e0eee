-- Before each batch: removes the rows of the last batch from the staging table.
DELETE FROM temp.etl_stage
