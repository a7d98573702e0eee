-- What the ledger holds of a file for this user.
SELECT format, options, spotify_time, run_id, finished_at IS NOT NULL AND unresolved = 0 AS known
FROM etl.files
WHERE user_id = $1::integer AND sha256 = $2
