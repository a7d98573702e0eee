-- The cached answer to a request.
SELECT value, is_found, answered_at FROM answers WHERE question = ?
