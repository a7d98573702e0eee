-- Artists that lack what the task ?1 finds, the most played first.
WITH lacking AS MATERIALIZED (
    SELECT a.id, a.musicbrainz_id
    FROM artists a
    WHERE CASE ?1
        WHEN 'images' THEN a.image IS NULL
        ELSE a.musicbrainz_id IS NULL OR NOT EXISTS (
            SELECT 1 FROM artist_aliases n WHERE n.artist_id = a.id AND n.source = 'MusicBrainz')
    END
), plays AS MATERIALIZED (
    SELECT track_id, count(*) AS plays FROM listens GROUP BY track_id
), heard AS MATERIALIZED (
    SELECT w.id, l.track_id, t.release_id, coalesce(p.plays, 0) AS plays
    FROM lacking w
    JOIN artist_tracks l ON l.artist_id = w.id
    JOIN tracks t ON t.id = l.track_id
    LEFT JOIN plays p ON p.track_id = l.track_id
), ranked_tracks AS (
    SELECT id, track_id, row_number() OVER (PARTITION BY id ORDER BY plays DESC, track_id) AS place FROM heard
), ranked_albums AS (
    SELECT id, release_id, row_number() OVER (PARTITION BY id ORDER BY sum(plays) DESC, release_id) AS place
    FROM heard
    GROUP BY id, release_id
), total AS (
    SELECT id, sum(plays) AS plays FROM heard GROUP BY id
), named AS (
    SELECT
        w.*,
        (SELECT json_group_array(n.alias ORDER BY n.is_primary DESC, n.alias)
         FROM artist_aliases n WHERE n.artist_id = w.id) AS names
    FROM lacking w
)
SELECT
    w.id,
    coalesce(p.plays, 0) AS plays,
    w.musicbrainz_id AS mbid,
    w.names,
    (SELECT min(r.alias) FROM release_aliases r WHERE r.release_id = b.release_id AND r.is_primary) AS album,
    (SELECT min(r.alias) FROM track_aliases r WHERE r.track_id = t.track_id AND r.is_primary) AS track
FROM named w
LEFT JOIN total p ON p.id = w.id
LEFT JOIN ranked_albums b ON b.id = w.id AND b.place = 1
LEFT JOIN ranked_tracks t ON t.id = w.id AND t.place = 1
WHERE w.names <> '[]'
ORDER BY plays DESC, w.id
