-- Releases that lack what the task ?1 finds, the most played first.
WITH lacking AS MATERIALIZED (
    SELECT r.id, r.musicbrainz_id, r.various_artists
    FROM releases r
    WHERE CASE ?1
        WHEN 'images' THEN r.image IS NULL
        ELSE r.musicbrainz_id IS NULL OR NOT EXISTS (
            SELECT 1 FROM release_aliases n WHERE n.release_id = r.id AND n.source = 'MusicBrainz')
    END
), plays AS MATERIALIZED (
    SELECT t.release_id AS id, sum(l.plays) AS plays
    FROM (SELECT track_id, count(*) AS plays FROM listens GROUP BY track_id) l
    JOIN tracks t ON t.id = l.track_id
    GROUP BY t.release_id
), named AS (
    SELECT
        w.*,
        (SELECT json_group_array(n.alias ORDER BY n.is_primary DESC, n.alias)
         FROM release_aliases n WHERE n.release_id = w.id) AS titles
    FROM lacking w
)
SELECT
    w.id,
    coalesce(p.plays, 0) AS plays,
    w.musicbrainz_id AS mbid,
    w.titles,
    (SELECT json_group_array(n.alias ORDER BY l.is_primary DESC, l.artist_id)
     FROM artist_releases l
     JOIN artist_aliases n ON n.artist_id = l.artist_id AND n.is_primary
     WHERE l.release_id = w.id) AS artists,
    (SELECT a.musicbrainz_id
     FROM artist_releases l
     JOIN artists a ON a.id = l.artist_id
     JOIN artist_aliases n ON n.artist_id = a.id AND n.is_primary
     WHERE l.release_id = w.id
     ORDER BY l.is_primary DESC, l.artist_id LIMIT 1) AS artist_mbid,
    w.various_artists
FROM named w
LEFT JOIN plays p ON p.id = w.id
WHERE w.titles <> '[]'
ORDER BY plays DESC, w.id
