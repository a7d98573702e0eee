-- damage: rows that refer to an artist, album, track or user that is gone (SQLite's own foreign_key_check)
SELECT f."table" AS entity, f."rowid" AS id, f.parent
FROM pragma_foreign_key_check f
ORDER BY entity, id, f.parent
