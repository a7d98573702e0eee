-- listens, base artists, albums, tracks and days; the first and the last listen
SELECT
    count(*) AS listens,
    count(DISTINCT artists[1]) AS artists,
    count(DISTINCT (artists[1], album)) FILTER (album IS NOT NULL) AS albums,
    count(DISTINCT (artists[1], track)) AS tracks,
    count(DISTINCT (listened_at AT TIME ZONE 'UTC')::DATE) AS days,
    min(listened_at) AS first,
    max(listened_at) AS last
FROM plays
