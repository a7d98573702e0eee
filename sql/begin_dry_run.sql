-- Called by etl/pipeline/run.py as the first statement of a dry run, and by etl/verify: one snapshot, and nothing can be written.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY
