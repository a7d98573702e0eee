-- When an undo ($2) begins: the run that it takes back.
UPDATE etl.runs SET undone_by = $2 WHERE run_id = $1
