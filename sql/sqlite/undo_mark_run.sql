-- When the undo ?2 begins: marks the run that it undoes.
UPDATE etl_runs SET undone_by = ?2 WHERE run_id = ?1
