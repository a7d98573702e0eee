-- The runs that loaded plays of the user ?1 with another --spotify-time than ?2 (start or end), each with one of its
-- files. A run is omitted once its undo has finished.
SELECT f.run_id, min(f.sha256) AS sha256
FROM etl_files f
JOIN etl_runs r ON r.run_id = f.run_id
LEFT JOIN etl_runs u ON u.run_id = r.undone_by
WHERE f.user_id = ?1 AND f.spotify_time NOT IN ('', ?2) AND u.finished_at IS NULL
GROUP BY f.run_id
ORDER BY f.run_id
