-- The activity of our backends whose answer is late. "progress" is null for a backend that is busy, waits for a lock,
-- or may be busy (track_activities is off). For a backend that waits for its client, it says how far the backend has
-- got.
SELECT a.pid, CASE
    WHEN a.state = 'disabled' THEN NULL
    WHEN a.state = 'active' AND a.wait_event_type IS DISTINCT FROM 'Client' THEN NULL
    ELSE concat_ws(' ', a.state_change, a.query_start, c.bytes_processed, c.tuples_processed)
END AS progress
FROM pg_stat_activity a LEFT JOIN pg_stat_progress_copy c ON c.pid = a.pid
WHERE a.pid = ANY($1::integer[])
