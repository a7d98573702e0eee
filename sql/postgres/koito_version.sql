-- The newest of Koito's own migrations.
SELECT coalesce(max(version_id) FILTER (WHERE is_applied), 0)::integer AS version FROM public.goose_db_version
