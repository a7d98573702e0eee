-- The result if the tracks $1 lose so many listens ($2): entities that would have none left, and others that stay.
WITH touched AS MATERIALIZED (
    SELECT t.id, t.release_id, (SELECT count(*) FROM public.listens l WHERE l.track_id = t.id) <= w.removed AS goes
    FROM unnest($1::integer[], $2::bigint[]) AS w (track_id, removed)
    JOIN public.tracks t ON t.id = w.track_id
), going AS MATERIALIZED (
    SELECT id FROM touched WHERE goes
), albums AS MATERIALIZED (
    SELECT r.release_id AS id, NOT EXISTS (
        SELECT FROM public.tracks t WHERE t.release_id = r.release_id AND t.id NOT IN (SELECT id FROM going)
    ) AS goes
    FROM (SELECT DISTINCT release_id FROM touched) r
), credits AS MATERIALIZED (
    SELECT l.artist_id, l.track_id FROM public.artist_tracks l WHERE l.track_id IN (SELECT id FROM touched)
), artists AS MATERIALIZED (
    SELECT a.artist_id AS id, NOT EXISTS (
        SELECT FROM public.artist_tracks l WHERE l.artist_id = a.artist_id AND l.track_id NOT IN (SELECT id FROM going)
    ) AS goes
    FROM (
        SELECT artist_id FROM credits
        UNION
        SELECT l.artist_id FROM public.artist_releases l WHERE l.release_id IN (SELECT id FROM albums)
    ) a
)
SELECT 'tracks' AS entity, count(*) FILTER (WHERE goes) AS removed, count(*) FILTER (WHERE NOT goes) AS kept FROM touched
UNION ALL
SELECT 'albums', count(*) FILTER (WHERE goes), count(*) FILTER (WHERE NOT goes) FROM albums
UNION ALL
SELECT 'artists', count(*) FILTER (WHERE goes), count(*) FILTER (WHERE NOT goes) FROM artists
