-- Aliases of artists, except those that another artist has: listens by that name could then go to either of the two.
INSERT INTO artist_aliases (artist_id, alias, source, is_primary)
SELECT e.id, w.value->>1, 'MusicBrainz', 0
FROM json_each(?1) w
JOIN artists e ON e.id = w.value->>0
WHERE NOT EXISTS (SELECT 1 FROM artist_aliases o WHERE o.alias = w.value->>1 AND o.artist_id <> e.id)
ORDER BY 1, 2
ON CONFLICT DO NOTHING
RETURNING artist_id AS id
