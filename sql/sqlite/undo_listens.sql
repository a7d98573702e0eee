-- Removes listens (?1: rows [track, second]) of the user ?2; the + prevents SQLite from using the index of users.
DELETE FROM listens
WHERE
    rowid IN (
        SELECT l.rowid
        FROM json_each(?1) w
        CROSS JOIN listens l ON l.track_id = w.value->>0 AND l.listened_at = w.value->>1
    )
    AND +user_id = ?2
RETURNING track_id, listened_at
