-- The newest of Koito's own migrations.
SELECT coalesce(max(version_id) FILTER (WHERE is_applied = 1), 0) AS version FROM goose_db_version
