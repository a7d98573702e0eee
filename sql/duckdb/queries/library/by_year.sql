-- listens, hours, artists and new artists by year
WITH heard AS (
    SELECT year(local_time) AS year, track_id, count(*) AS listens, sum(duration) AS seconds
    FROM plays
    GROUP BY ALL
), artists AS (
    SELECT year, artist_id, min(year) OVER (PARTITION BY artist_id) = year AS is_new
    FROM (SELECT DISTINCT year, artist_id FROM heard JOIN credits USING (track_id))
)
SELECT year, l.listens, l.hours, coalesce(a.artists, 0) AS artists, coalesce(a.new_artists, 0) AS new_artists
FROM (
    SELECT year, sum(listens)::BIGINT AS listens, round(coalesce(sum(seconds), 0) / 3600, 1) AS hours
    FROM heard
    GROUP BY year
) l
LEFT JOIN (SELECT year, count(*) AS artists, count(*) FILTER (is_new) AS new_artists FROM artists GROUP BY year) a USING (year)
ORDER BY year
