-- The first statement of a dry run and of `etl verify`: a read-only transaction on one snapshot.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY
