-- The answer to a question.
SELECT value, is_found, answered_at FROM answers WHERE question = ?
