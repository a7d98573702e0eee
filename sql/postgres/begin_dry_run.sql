-- The first statement of a dry run and of `etl verify`: one snapshot, and nothing can be written.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY
