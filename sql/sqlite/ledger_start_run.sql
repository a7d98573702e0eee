-- Before the first batch: run, source, user.
INSERT INTO etl_runs (run_id, source, user_id, number)
SELECT ?1, ?2, ?3, coalesce(max(max(number, end_number)), 0) + 1
FROM etl_runs
