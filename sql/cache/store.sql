-- Stores an answer, replacing an older one.
INSERT INTO answers (question, value, is_found, answered_at) VALUES (?, ?, ?, ?)
ON CONFLICT (question) DO UPDATE
SET value = excluded.value, is_found = excluded.is_found, answered_at = excluded.answered_at
