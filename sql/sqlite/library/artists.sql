-- All artists with their names and MBIDs. The name is the primary one, else the first of all.
SELECT
    a.id AS artist_id,
    coalesce(n.alias, (SELECT min(m.alias) FROM artist_aliases m WHERE m.artist_id = a.id)) AS artist,
    a.musicbrainz_id AS mbid
FROM artists a
LEFT JOIN (
    SELECT artist_id, min(alias) AS alias FROM artist_aliases WHERE is_primary GROUP BY artist_id
) n ON n.artist_id = a.id
