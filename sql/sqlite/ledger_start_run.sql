-- Before the first batch: run, source, user.
INSERT INTO etl_runs (run_id, source, user_id) VALUES (?1, ?2, ?3)
