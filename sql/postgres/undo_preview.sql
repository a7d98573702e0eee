-- The result if the tracks $1 lose so many listens ($2): entities that would have none left, and others that stay.
WITH touched AS MATERIALIZED (
    SELECT t.id, t.release_id, (SELECT count(*) FROM public.listens l WHERE l.track_id = t.id) <= w.removed AS goes
    FROM unnest($1::integer[], $2::bigint[]) AS w (track_id, removed)
    JOIN public.tracks t ON t.id = w.track_id
), going AS MATERIALIZED (
    SELECT id FROM touched WHERE goes
), albums AS MATERIALIZED (
    SELECT t.release_id AS id, bool_and(g.id IS NOT NULL) AS goes
    FROM public.tracks t
    LEFT JOIN going g ON g.id = t.id
    WHERE t.release_id IN (SELECT release_id FROM touched)
    GROUP BY t.release_id
), credited AS MATERIALIZED (
    SELECT l.artist_id FROM public.artist_tracks l WHERE l.track_id IN (SELECT id FROM touched)
    UNION
    SELECT l.artist_id FROM public.artist_releases l WHERE l.release_id IN (SELECT id FROM albums)
), artists AS MATERIALIZED (
    SELECT a.artist_id AS id, bool_and(l.track_id IS NULL OR g.id IS NOT NULL) AS goes
    FROM credited a
    LEFT JOIN public.artist_tracks l ON l.artist_id = a.artist_id
    LEFT JOIN going g ON g.id = l.track_id
    GROUP BY a.artist_id
)
SELECT 'tracks' AS entity, count(*) FILTER (WHERE goes) AS removed, count(*) FILTER (WHERE NOT goes) AS kept FROM touched
UNION ALL
SELECT 'albums', count(*) FILTER (WHERE goes), count(*) FILTER (WHERE NOT goes) FROM albums
UNION ALL
SELECT 'artists', count(*) FILTER (WHERE goes), count(*) FILTER (WHERE NOT goes) FROM artists
