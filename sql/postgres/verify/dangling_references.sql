-- damage: rows that refer to a missing artist, album, track, user or run
WITH refers AS (
    SELECT 'artist_aliases' AS entity, 'artists' AS parent, artist_id AS id FROM public.artist_aliases
    UNION ALL SELECT 'artist_releases', 'artists', artist_id FROM public.artist_releases
    UNION ALL SELECT 'artist_tracks', 'artists', artist_id FROM public.artist_tracks
    UNION ALL SELECT 'track_lookup', 'artists', artist_id FROM public.track_lookup
    UNION ALL SELECT 'release_aliases', 'releases', release_id FROM public.release_aliases
    UNION ALL SELECT 'artist_releases', 'releases', release_id FROM public.artist_releases
    UNION ALL SELECT 'tracks', 'releases', release_id FROM public.tracks
    UNION ALL SELECT 'track_lookup', 'releases', album_id FROM public.track_lookup
    UNION ALL SELECT 'track_aliases', 'tracks', track_id FROM public.track_aliases
    UNION ALL SELECT 'artist_tracks', 'tracks', track_id FROM public.artist_tracks
    UNION ALL SELECT 'track_lookup', 'tracks', track_id FROM public.track_lookup
    UNION ALL SELECT 'listens', 'tracks', track_id FROM public.listens
    UNION ALL SELECT 'listens', 'users', user_id FROM public.listens
    UNION ALL SELECT 'api_keys', 'users', user_id FROM public.api_keys
    UNION ALL SELECT 'sessions', 'users', user_id FROM public.sessions
), there AS (
    SELECT 'artists' AS parent, id FROM public.artists
    UNION ALL SELECT 'releases', id FROM public.releases
    UNION ALL SELECT 'tracks', id FROM public.tracks
    UNION ALL SELECT 'users', id FROM public.users
), gone AS (
    SELECT r.entity, r.parent, r.id::text AS missing, count(*) AS rows
    FROM refers r LEFT JOIN there t USING (parent, id)
    WHERE t.id IS NULL
    GROUP BY r.entity, r.parent, r.id
    UNION ALL
    SELECT l.entity, 'runs', l.run_id, count(*)
    FROM (SELECT 'files' AS entity, run_id FROM etl.files UNION ALL SELECT 'batches', run_id FROM etl.batches) l
    WHERE NOT EXISTS (SELECT FROM etl.runs u WHERE u.run_id = l.run_id)
    GROUP BY l.entity, l.run_id
)
SELECT entity, parent, missing, rows FROM gone ORDER BY entity, parent, missing COLLATE "C"
