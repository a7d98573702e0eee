-- The length of some tracks, their titles, and the names of their artists and albums.
WITH wanted AS MATERIALIZED (
    SELECT t.id, t.duration, t.release_id
    FROM unnest($1::integer[]) AS w (id)
    JOIN public.tracks t ON t.id = w.id
), titles AS (
    SELECT w.id, array_agg(n.alias) AS names
    FROM wanted w
    JOIN public.track_aliases n ON n.track_id = w.id
    GROUP BY w.id
), artists AS (
    SELECT w.id, array_agg(DISTINCT n.alias) AS names
    FROM wanted w
    JOIN public.artist_tracks l ON l.track_id = w.id
    JOIN public.artist_aliases n ON n.artist_id = l.artist_id
    GROUP BY w.id
), albums AS (
    SELECT r.release_id, array_agg(n.alias) AS names
    FROM (SELECT DISTINCT release_id FROM wanted) r
    JOIN public.release_aliases n ON n.release_id = r.release_id
    GROUP BY r.release_id
)
SELECT w.id AS track_id, w.duration, t.names AS titles, a.names AS artists, r.names AS albums
FROM wanted w
LEFT JOIN titles t ON t.id = w.id
LEFT JOIN artists a ON a.id = w.id
LEFT JOIN albums r ON r.release_id = w.release_id
