-- MBIDs for releases that have none.
UPDATE releases SET musicbrainz_id = w.value->>1
FROM json_each(?1) w
WHERE releases.id = w.value->>0 AND +releases.musicbrainz_id IS NULL -- +: by id, not through the index of all without an MBID
