-- When the dedupe ?2 begins: every file of the user ?1 is read again by the next load, which finds out for which of its
-- rows a listen of another file counts.
UPDATE etl_files
SET forgotten_by = ?2
WHERE user_id = ?1 AND forgotten_by IS NULL
RETURNING sha256, format, path
