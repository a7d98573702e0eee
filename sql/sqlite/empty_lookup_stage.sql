-- In the transaction of a batch: removes the keys of the last batch from their staging table.
DELETE FROM temp.etl_lookup_stage
