-- damage: rows that refer to a missing artist, album, track or user (SQLite's foreign_key_check)
SELECT f."table" AS entity, f."rowid" AS id, f.parent
FROM pragma_foreign_key_check f
ORDER BY entity, id, f.parent
