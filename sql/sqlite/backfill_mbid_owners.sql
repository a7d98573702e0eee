-- The given MBIDs that an artist, release or track (the kind is ?1) already has.
SELECT e.id, e.musicbrainz_id AS mbid
FROM artists e
WHERE ?1 = 'artists' AND e.musicbrainz_id IN (SELECT value FROM json_each(?2))
UNION ALL
SELECT e.id, e.musicbrainz_id
FROM releases e
WHERE ?1 = 'albums' AND e.musicbrainz_id IN (SELECT value FROM json_each(?2))
UNION ALL
SELECT e.id, e.musicbrainz_id
FROM tracks e
WHERE ?1 = 'tracks' AND e.musicbrainz_id IN (SELECT value FROM json_each(?2))
