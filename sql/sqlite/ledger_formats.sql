-- The formats of the files that were loaded for a user.
SELECT DISTINCT format FROM etl_files WHERE user_id = ?1
