-- The length of some tracks, their titles, and the names of their artists and albums.
SELECT
    t.id AS track_id,
    t.duration,
    (SELECT json_group_array(n.alias) FROM track_aliases n WHERE n.track_id = t.id) AS titles,
    (
        SELECT json_group_array(DISTINCT n.alias)
        FROM artist_tracks l
        JOIN artist_aliases n ON n.artist_id = l.artist_id
        WHERE l.track_id = t.id
    ) AS artists,
    (SELECT json_group_array(n.alias) FROM release_aliases n WHERE n.release_id = t.release_id) AS albums
FROM json_each(?1) w
CROSS JOIN tracks t ON t.id = w.value
