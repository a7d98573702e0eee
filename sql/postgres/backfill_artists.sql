-- Artists that lack what the task $1 finds, the most played first.
WITH lacking AS MATERIALIZED (
    SELECT a.id, a.musicbrainz_id
    FROM public.artists a
    WHERE CASE $1::text
        WHEN 'images' THEN a.image IS NULL
        ELSE a.musicbrainz_id IS NULL OR NOT EXISTS (
            SELECT FROM public.artist_aliases n WHERE n.artist_id = a.id AND n.source = 'MusicBrainz')
    END
), plays AS MATERIALIZED (
    SELECT track_id, count(*) AS plays FROM public.listens GROUP BY track_id
), heard AS MATERIALIZED (
    SELECT w.id, l.track_id, t.release_id, coalesce(p.plays, 0) AS plays
    FROM lacking w
    JOIN public.artist_tracks l ON l.artist_id = w.id
    JOIN public.tracks t ON t.id = l.track_id
    LEFT JOIN plays p ON p.track_id = l.track_id
), best_track AS (
    SELECT DISTINCT ON (id) id, track_id FROM heard ORDER BY id, plays DESC, track_id
), best_album AS (
    SELECT DISTINCT ON (id) id, release_id
    FROM (SELECT id, release_id, sum(plays) AS plays FROM heard GROUP BY id, release_id) h
    ORDER BY id, plays DESC, release_id
), total AS (
    SELECT id, sum(plays) AS plays FROM heard GROUP BY id
), names AS (
    SELECT w.id, array_agg(n.alias ORDER BY n.is_primary DESC, n.alias COLLATE "C") AS names
    FROM lacking w
    JOIN public.artist_aliases n ON n.artist_id = w.id
    GROUP BY w.id
)
SELECT
    w.id,
    coalesce(p.plays, 0)::bigint AS plays,
    w.musicbrainz_id::text AS mbid,
    n.names,
    (SELECT min(r.alias) FROM public.release_aliases r WHERE r.release_id = b.release_id AND r.is_primary) AS album,
    (SELECT min(r.alias) FROM public.track_aliases r WHERE r.track_id = t.track_id AND r.is_primary) AS track
FROM lacking w
JOIN names n ON n.id = w.id
LEFT JOIN total p ON p.id = w.id
LEFT JOIN best_album b ON b.id = w.id
LEFT JOIN best_track t ON t.id = w.id
ORDER BY plays DESC, w.id
