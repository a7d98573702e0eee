-- listens, hours (where lengths are known), artists, albums, tracks and days; the first and the last listen
SELECT
    count(*) AS listens,
    round(coalesce(sum(duration), 0) / 3600, 1) AS hours,
    count(duration) AS with_length,
    (SELECT count(*) FROM artists) AS artists,
    (SELECT count(*) FROM albums) AS albums,
    (SELECT count(*) FROM tracks) AS tracks,
    count(DISTINCT local_time::DATE) AS days,
    min(local_time) AS first,
    max(local_time) AS last
FROM plays
