-- The display names of some tracks: the primary title, and the artists' primary names, the primary artist first.
SELECT
    t.id AS track_id,
    (
        SELECT group_concat(m.alias, ', ')
        FROM (
            SELECT n.alias
            FROM artist_tracks l
            JOIN artist_aliases n ON n.artist_id = l.artist_id AND n.is_primary
            WHERE l.track_id = t.id
            ORDER BY l.is_primary DESC, l.artist_id
        ) m
    ) AS artist,
    (
        SELECT n.alias FROM track_aliases n WHERE n.track_id = t.id ORDER BY n.is_primary DESC, n.alias LIMIT 1
    ) AS track
FROM json_each(?1) w
CROSS JOIN tracks t ON t.id = w.value
