-- The SHA-256 of the files whose load for a user was finished or started.
SELECT DISTINCT sha256
FROM etl.files
WHERE user_id = $1::integer
