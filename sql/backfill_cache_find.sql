-- Called by etl/backfill/http/cache.py on SQLite: the answer to a question.
SELECT value, is_found, answered_at FROM answers WHERE question = ?
