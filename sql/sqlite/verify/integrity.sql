-- damage: a file that is broken as such (SQLite's own integrity_check): restore a copy of it
SELECT c.integrity_check AS finding
FROM pragma_integrity_check c
WHERE c.integrity_check <> 'ok'
