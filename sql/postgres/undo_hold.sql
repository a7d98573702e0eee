-- Before a batch of an undo removes listens of tracks: locks these tracks, their albums, and the artists of both.
-- No listen, track or credit can be added to them until the commit. Rows are locked in the order of their ids, to
-- prevent deadlocks.
WITH held_tracks AS MATERIALIZED (
    SELECT id, release_id FROM public.tracks WHERE id = ANY ($1::integer[]) ORDER BY id FOR UPDATE
), held_releases AS MATERIALIZED (
    SELECT id FROM public.releases WHERE id IN (SELECT release_id FROM held_tracks) ORDER BY id FOR UPDATE
), held_artists AS MATERIALIZED (
    SELECT id
    FROM public.artists
    WHERE
        id IN (SELECT l.artist_id FROM public.artist_tracks l WHERE l.track_id IN (SELECT id FROM held_tracks))
        OR id IN (SELECT l.artist_id FROM public.artist_releases l WHERE l.release_id IN (SELECT id FROM held_releases))
    ORDER BY id
    FOR UPDATE
)
SELECT 'tracks' AS entity, id FROM held_tracks
UNION ALL
SELECT 'albums', id FROM held_releases
UNION ALL
SELECT 'artists', id FROM held_artists
