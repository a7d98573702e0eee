-- The names and MBIDs of the tracks ?1, as an export has them, the main artist first. MBIDs of artists are returned
-- only if all artists of the track have one.
WITH credits AS (
    SELECT
        l.track_id,
        l.is_primary,
        l.artist_id,
        a.musicbrainz_id AS mbid,
        (
            SELECT n.alias
            FROM artist_aliases n
            WHERE n.artist_id = l.artist_id
            ORDER BY n.is_primary DESC, n.alias
            LIMIT 1
        ) AS name
    FROM json_each(?1) w
    CROSS JOIN artist_tracks l ON l.track_id = w.value
    JOIN artists a ON a.id = l.artist_id
), credited AS (
    SELECT
        track_id,
        json_group_array(name ORDER BY is_primary DESC, artist_id) AS names,
        CASE WHEN count(mbid) = count(*) THEN json_group_array(mbid ORDER BY is_primary DESC, artist_id) END AS mbids
    FROM credits
    GROUP BY track_id
)
SELECT
    t.id AS track_id,
    (SELECT n.alias FROM track_aliases n WHERE n.track_id = t.id ORDER BY n.is_primary DESC, n.alias LIMIT 1) AS track,
    (
        SELECT n.alias FROM release_aliases n WHERE n.release_id = t.release_id ORDER BY n.is_primary DESC, n.alias LIMIT 1
    ) AS album,
    nullif(t.duration, 0) AS duration,
    t.musicbrainz_id AS recording_mbid,
    r.musicbrainz_id AS release_mbid,
    c.names AS artists,
    c.mbids AS artist_mbids
FROM credited c
CROSS JOIN tracks t ON t.id = c.track_id
JOIN releases r ON r.id = t.release_id
ORDER BY t.id
