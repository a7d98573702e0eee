-- damage: values of a type that Koito cannot read: it fails to show their rows
SELECT 'listens' AS entity, rowid AS id, typeof(track_id) || ', ' || typeof(listened_at) || ', ' || typeof(user_id) || ', ' || typeof(client) AS stored
FROM listens
WHERE
    typeof(track_id) <> 'integer' OR typeof(listened_at) <> 'integer' OR typeof(user_id) <> 'integer'
    OR typeof(client) <> 'text'
UNION ALL
SELECT 'tracks', id, typeof(release_id) || ', ' || typeof(duration) || ', ' || typeof(musicbrainz_id)
FROM tracks
WHERE
    typeof(release_id) <> 'integer' OR typeof(duration) <> 'integer'
    OR musicbrainz_id IS NOT NULL AND (typeof(musicbrainz_id) <> 'text' OR length(musicbrainz_id) <> 36)
UNION ALL
SELECT 'albums', id, typeof(various_artists) || ', ' || typeof(musicbrainz_id) || ', ' || typeof(image)
FROM releases
WHERE
    typeof(various_artists) <> 'integer'
    OR musicbrainz_id IS NOT NULL AND (typeof(musicbrainz_id) <> 'text' OR length(musicbrainz_id) <> 36)
    OR image IS NOT NULL AND (typeof(image) <> 'text' OR length(image) <> 36)
UNION ALL
SELECT 'artists', id, typeof(musicbrainz_id) || ', ' || typeof(image)
FROM artists
WHERE
    musicbrainz_id IS NOT NULL AND (typeof(musicbrainz_id) <> 'text' OR length(musicbrainz_id) <> 36)
    OR image IS NOT NULL AND (typeof(image) <> 'text' OR length(image) <> 36)
UNION ALL
SELECT 'artist_aliases', artist_id, typeof(alias) || ', ' || typeof(source) || ', ' || typeof(is_primary)
FROM artist_aliases
WHERE typeof(alias) <> 'text' OR typeof(source) <> 'text' OR typeof(is_primary) <> 'integer'
UNION ALL
SELECT 'release_aliases', release_id, typeof(alias) || ', ' || typeof(source) || ', ' || typeof(is_primary)
FROM release_aliases
WHERE typeof(alias) <> 'text' OR typeof(source) <> 'text' OR typeof(is_primary) <> 'integer'
UNION ALL
SELECT 'track_aliases', track_id, typeof(alias) || ', ' || typeof(source) || ', ' || typeof(is_primary)
FROM track_aliases
WHERE typeof(alias) <> 'text' OR typeof(source) <> 'text' OR typeof(is_primary) <> 'integer'
ORDER BY entity, id
