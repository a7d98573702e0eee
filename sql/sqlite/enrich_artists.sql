-- MBIDs for artists that have none.
UPDATE artists SET musicbrainz_id = w.value->>1
FROM json_each(?1) w
WHERE artists.id = w.value->>0 AND +artists.musicbrainz_id IS NULL -- +: by id, not through the index of all without an MBID
