-- The formats of the files that were loaded for a user.
SELECT DISTINCT format
FROM etl.files
WHERE user_id = $1::integer
