-- warning: keys that refer to one track while another track has their names: a load uses the first, a scrobble the second
-- A key does not count if an MBID may have found its track, or if a merge or a new name has left it without a rival.
-- lower() handles only the letters A to Z: a rival that differs from the key in the case of other letters is not found.
WITH split AS (
    SELECT
        lookup_key,
        coalesce(
            (SELECT l.track_id FROM listens l WHERE l.rowid = k.listen AND l.listened_at = k.witness),
            (SELECT l.track_id FROM listens l WHERE l.track_id = k.track_id AND l.listened_at = k.witness)
        ) AS track_id,
        substr(lookup_key, 1, instr(lookup_key, char(31)) - 1) AS credit,
        substr(lookup_key, instr(lookup_key, char(31)) + 1) AS rest
    FROM etl_track_lookup k
    WHERE instr(lookup_key, char(31)) > 0 -- the digest of a long key contains no names
), parts AS MATERIALIZED (
    SELECT
        lookup_key,
        track_id,
        credit,
        substr(rest, 1, instr(rest, char(31)) - 1) AS title,
        coalesce(nullif(substr(rest, instr(rest, char(31)) + 1), ''), substr(rest, 1, instr(rest, char(31)) - 1)) AS album
    FROM split
), strangers AS MATERIALIZED (
    SELECT p.lookup_key, p.track_id, p.credit, p.title, p.album
    FROM parts p
    JOIN tracks t ON t.id = p.track_id AND +t.musicbrainz_id IS NULL -- +: by id, not through the index of all without one
    JOIN releases r ON r.id = t.release_id
    WHERE
        NOT EXISTS (SELECT 1 FROM track_aliases n WHERE n.track_id = t.id AND lower(n.alias) = p.title)
        OR r.musicbrainz_id IS NULL AND NOT EXISTS (
            SELECT 1 FROM release_aliases n WHERE n.release_id = r.id AND lower(n.alias) = p.album
        )
        OR NOT EXISTS (
            SELECT 1
            FROM artist_tracks c
            JOIN artists a ON a.id = c.artist_id
            WHERE c.track_id = t.id AND (a.musicbrainz_id IS NOT NULL OR EXISTS (
                SELECT 1 FROM artist_aliases n WHERE n.artist_id = a.id AND instr(p.credit, lower(n.alias)) > 0
            ))
        )
), titled AS MATERIALIZED (
    SELECT track_id, lower(alias) AS title FROM track_aliases WHERE is_primary
)
SELECT s.lookup_key, s.track_id, min(f.id) AS track_of_that_name
FROM strangers s
JOIN titled n ON n.title = s.title
JOIN tracks f ON f.id = n.track_id AND f.id <> s.track_id
JOIN release_aliases a ON a.release_id = f.release_id AND a.is_primary AND lower(a.alias) = s.album
JOIN artist_tracks c ON c.track_id = f.id
JOIN artist_aliases o ON o.artist_id = c.artist_id
WHERE
    substr(s.credit, 1, length(o.alias)) = lower(o.alias)
    -- "ann" must not match "Anna"
    AND substr(s.credit, length(o.alias) + 1, 1) NOT GLOB '[0-9a-z' || char(128) || '-' || char(1114111) || ']'
GROUP BY s.lookup_key, s.track_id
ORDER BY s.lookup_key
