-- Releases that lack what the task $1 finds, the most played first.
WITH lacking AS MATERIALIZED (
    SELECT r.id, r.musicbrainz_id, r.various_artists
    FROM public.releases r
    WHERE CASE $1::text
        WHEN 'images' THEN r.image IS NULL
        ELSE r.musicbrainz_id IS NULL OR NOT EXISTS (
            SELECT FROM public.release_aliases n WHERE n.release_id = r.id AND n.source = 'MusicBrainz')
    END
), plays AS (
    SELECT t.release_id AS id, count(*) AS plays
    FROM public.listens l
    JOIN public.tracks t ON t.id = l.track_id
    GROUP BY t.release_id
), titles AS (
    SELECT w.id, array_agg(n.alias ORDER BY n.is_primary DESC, n.alias COLLATE "C") AS titles
    FROM lacking w
    JOIN public.release_aliases n ON n.release_id = w.id
    GROUP BY w.id
), artists AS (
    SELECT
        w.id,
        array_agg(n.alias ORDER BY l.is_primary DESC, l.artist_id) AS artists,
        (array_agg(a.musicbrainz_id::text ORDER BY l.is_primary DESC, l.artist_id))[1] AS artist_mbid
    FROM lacking w
    JOIN public.artist_releases l ON l.release_id = w.id
    JOIN public.artists a ON a.id = l.artist_id
    JOIN public.artist_aliases n ON n.artist_id = a.id AND n.is_primary
    GROUP BY w.id
)
SELECT
    w.id,
    coalesce(p.plays, 0) AS plays,
    w.musicbrainz_id::text AS mbid,
    t.titles,
    coalesce(a.artists, '{}') AS artists,
    a.artist_mbid,
    w.various_artists
FROM lacking w
JOIN titles t ON t.id = w.id
LEFT JOIN artists a ON a.id = w.id
LEFT JOIN plays p ON p.id = w.id
ORDER BY plays DESC, w.id
