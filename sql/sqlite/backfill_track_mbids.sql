-- MBIDs for tracks that have none.
UPDATE tracks AS e SET musicbrainz_id = w.value->>1
FROM json_each(?1) w
WHERE e.id = w.value->>0 AND +e.musicbrainz_id IS NULL -- +: by id, not through the index of all without an MBID
RETURNING id
