-- The formats of the files that were loaded for this user.
SELECT DISTINCT format FROM etl_files WHERE user_id = ?1
