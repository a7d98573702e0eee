-- Tracks that lack what the task $1 finds, the most played first.
WITH lacking AS MATERIALIZED (
    SELECT t.id, t.musicbrainz_id, t.duration, t.release_id
    FROM public.tracks t
    WHERE CASE $1::text WHEN 'durations' THEN t.duration = 0 ELSE t.musicbrainz_id IS NULL END
), plays AS (
    SELECT track_id AS id, count(*) AS plays FROM public.listens GROUP BY track_id
), titles AS (
    SELECT w.id, array_agg(n.alias ORDER BY n.is_primary DESC, n.alias COLLATE "C") AS titles
    FROM lacking w
    JOIN public.track_aliases n ON n.track_id = w.id
    GROUP BY w.id
), artists AS (
    SELECT
        w.id,
        array_agg(n.alias ORDER BY l.is_primary DESC, l.artist_id) AS artists,
        (array_agg(a.musicbrainz_id::text ORDER BY l.is_primary DESC, l.artist_id))[1] AS artist_mbid
    FROM lacking w
    JOIN public.artist_tracks l ON l.track_id = w.id
    JOIN public.artists a ON a.id = l.artist_id
    JOIN public.artist_aliases n ON n.artist_id = a.id AND n.is_primary
    GROUP BY w.id
), albums AS (
    SELECT r.release_id AS id, array_agg(n.alias ORDER BY n.is_primary DESC, n.alias COLLATE "C") AS albums
    FROM (SELECT DISTINCT release_id FROM lacking) r
    JOIN public.release_aliases n ON n.release_id = r.release_id
    GROUP BY r.release_id
)
SELECT
    w.id,
    coalesce(p.plays, 0) AS plays,
    w.musicbrainz_id::text AS mbid,
    t.titles,
    coalesce(a.artists, '{}') AS artists,
    a.artist_mbid,
    coalesce(b.albums, '{}') AS albums,
    w.duration
FROM lacking w
JOIN titles t ON t.id = w.id
LEFT JOIN artists a ON a.id = w.id
LEFT JOIN albums b ON b.id = w.release_id
LEFT JOIN plays p ON p.id = w.id
ORDER BY plays DESC, w.id
