-- missing lengths, albums and MBIDs, and likely doubles: how many, of how many, and in percent
WITH crowded AS (
    SELECT epoch_us(listened_at) // 1000000 AS second, track_id, client
    FROM plays
    WINDOW by_time AS (ORDER BY second)
    QUALIFY second - lag(second) OVER by_time <= 10 OR lead(second) OVER by_time - second <= 10
), doubles AS (
    SELECT
        lower(t.track) = lag(lower(t.track)) OVER by_time
        AND c.client IS DISTINCT FROM lag(c.client) OVER by_time
        AND c.second - lag(c.second) OVER by_time <= 10 AS is_double
    FROM crowded c
    JOIN tracks t USING (track_id)
    WINDOW by_time AS (ORDER BY c.second, c.track_id)
), of_tracks AS (
    SELECT
        sum(listens) AS listens,
        sum(listens) FILTER (duration IS NULL) AS without_length,
        sum(listens) FILTER (lower(album) = lower(track)) AS without_album,
        sum(listens) FILTER (mbid IS NULL) AS without_mbid
    FROM tracks
), found AS (
    SELECT 1 AS place, 'listens without a length' AS finding, without_length AS found, listens AS of FROM of_tracks
    UNION ALL
    SELECT 2, 'listens whose album has the title of the track', without_album, listens FROM of_tracks
    UNION ALL
    SELECT 3, 'listens of tracks without an MBID', without_mbid, listens FROM of_tracks
    UNION ALL
    SELECT 4, 'albums without an MBID', count(*) FILTER (mbid IS NULL), count(*) FROM albums
    UNION ALL
    SELECT 5, 'artists without an MBID', count(*) FILTER (mbid IS NULL), count(*) FROM artists
    UNION ALL
    SELECT
        6,
        'likely doubles: one title within 10 s from two clients',
        (SELECT count(*) FILTER (is_double) FROM doubles),
        listens
    FROM of_tracks
)
SELECT
    finding,
    coalesce(found, 0)::BIGINT AS found,
    coalesce(of, 0)::BIGINT AS of,
    round(100 * found / nullif(of, 0), 1)::DOUBLE AS percent
FROM found
ORDER BY place
