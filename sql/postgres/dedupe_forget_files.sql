-- When the dedupe $2 begins: the next load reads every file of the user $1 again, and so finds out which of its rows
-- rely on a listen of another file.
UPDATE etl.files
SET forgotten_by = $2
WHERE user_id = $1::integer AND forgotten_by IS NULL
RETURNING sha256, format, path
