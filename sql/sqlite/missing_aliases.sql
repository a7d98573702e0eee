-- The cached tracks for which a candidate alias is missing: at the track, its album or its artists.
-- An alias belongs to the entity that has the candidate's MBID or name, unless both have MBIDs and these differ.
WITH offered AS MATERIALIZED (
    SELECT
        value->>0 AS track_id, value->>1 AS entity, value->>2 AS name, value->>3 AS mbid, value->>4 AS alias
    FROM json_each(?1)
)
SELECT w.track_id
FROM offered w
CROSS JOIN tracks t ON t.id = w.track_id
WHERE
    w.entity = 'track'
    AND (
        t.musicbrainz_id = w.mbid
        OR (t.musicbrainz_id IS NULL OR w.mbid IS NULL)
        AND EXISTS (
            SELECT 1 FROM track_aliases n WHERE n.track_id = t.id AND n.is_primary = 1 AND n.alias = w.name
        )
    )
    AND NOT EXISTS (SELECT 1 FROM track_aliases n WHERE n.track_id = t.id AND n.alias = w.alias)
UNION
SELECT w.track_id
FROM offered w
CROSS JOIN tracks t ON t.id = w.track_id
JOIN releases r ON r.id = t.release_id
WHERE
    w.entity = 'album'
    AND (
        r.musicbrainz_id = w.mbid
        OR (r.musicbrainz_id IS NULL OR w.mbid IS NULL)
        AND EXISTS (
            SELECT 1 FROM release_aliases n WHERE n.release_id = r.id AND n.is_primary = 1 AND n.alias = w.name
        )
    )
    AND NOT EXISTS (SELECT 1 FROM release_aliases n WHERE n.release_id = r.id AND n.alias = w.alias)
UNION
SELECT w.track_id
FROM offered w
CROSS JOIN artist_tracks l ON l.track_id = w.track_id
JOIN artists a ON a.id = l.artist_id
WHERE
    w.entity = 'artist'
    AND (
        a.musicbrainz_id = w.mbid
        OR (a.musicbrainz_id IS NULL OR w.mbid IS NULL)
        AND EXISTS (SELECT 1 FROM artist_aliases n WHERE n.artist_id = a.id AND n.alias = w.name)
    )
    AND NOT EXISTS (SELECT 1 FROM artist_aliases n WHERE n.artist_id = a.id AND n.alias = w.alias)
