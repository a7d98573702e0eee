-- damage: a damaged file (SQLite's integrity_check): restore a backup
SELECT c.integrity_check AS finding
FROM pragma_integrity_check c
WHERE c.integrity_check <> 'ok'
