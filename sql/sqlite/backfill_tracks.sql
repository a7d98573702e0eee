-- Tracks that lack what the task ?1 finds, the most played first.
WITH lacking AS MATERIALIZED (
    SELECT t.id, t.musicbrainz_id, t.duration, t.release_id
    FROM tracks t
    WHERE CASE ?1 WHEN 'durations' THEN t.duration = 0 ELSE t.musicbrainz_id IS NULL END
), plays AS MATERIALIZED (
    SELECT track_id AS id, count(*) AS plays FROM listens GROUP BY track_id
), named AS (
    SELECT
        w.*,
        (SELECT json_group_array(n.alias ORDER BY n.is_primary DESC, n.alias)
         FROM track_aliases n WHERE n.track_id = w.id) AS titles
    FROM lacking w
)
SELECT
    w.id,
    coalesce(p.plays, 0) AS plays,
    w.musicbrainz_id AS mbid,
    w.titles,
    (SELECT json_group_array(n.alias ORDER BY l.is_primary DESC, l.artist_id)
     FROM artist_tracks l
     JOIN artist_aliases n ON n.artist_id = l.artist_id AND n.is_primary
     WHERE l.track_id = w.id) AS artists,
    (SELECT a.musicbrainz_id
     FROM artist_tracks l
     JOIN artists a ON a.id = l.artist_id
     JOIN artist_aliases n ON n.artist_id = a.id AND n.is_primary
     WHERE l.track_id = w.id
     ORDER BY l.is_primary DESC, l.artist_id LIMIT 1) AS artist_mbid,
    (SELECT json_group_array(n.alias ORDER BY n.is_primary DESC, n.alias)
     FROM release_aliases n WHERE n.release_id = w.release_id) AS albums,
    w.duration
FROM named w
LEFT JOIN plays p ON p.id = w.id
WHERE w.titles <> '[]'
ORDER BY plays DESC, w.id
