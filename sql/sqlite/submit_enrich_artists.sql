-- Adds MBIDs of a live listen to the artists of its track ?1, as rows [name, MBID] (?2). Each is given to the one
-- artist of that name who has none, unless another artist has it. None is stored if two artists share a name, or if two
-- of the names belong to one artist.
WITH offered AS MATERIALIZED (
    SELECT w.key AS place, w.value->>1 AS mbid, n.artist_id AS id
    FROM artist_tracks l
    JOIN artist_aliases n ON n.artist_id = l.artist_id
    JOIN json_each(?2) w ON w.value->>0 = n.alias
    WHERE l.track_id = ?1 AND w.value->>1 IS NOT NULL
)
UPDATE artists AS a SET musicbrainz_id = o.mbid
FROM offered o
WHERE
    a.id = o.id
    AND +a.musicbrainz_id IS NULL -- +: by id, not through the index of all without an MBID
    AND NOT EXISTS (SELECT 1 FROM artists x WHERE x.musicbrainz_id = o.mbid)
    AND (SELECT count(*) = min(count(DISTINCT i.id), count(DISTINCT i.place), count(DISTINCT i.mbid)) FROM offered i)
