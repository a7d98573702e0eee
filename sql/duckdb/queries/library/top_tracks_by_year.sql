-- the ten tracks with the most listens of each year
WITH heard AS (
    SELECT year(local_time) AS year, track_id, count(*) AS listens
    FROM plays
    GROUP BY ALL
), enough AS (
    SELECT year, list_min(max(listens, 10)) AS listens FROM heard GROUP BY year
)
SELECT h.year, row_number() OVER of_year AS place, a.track, a.artist, a.album, h.listens
FROM heard h
JOIN enough e ON e.year = h.year AND h.listens >= e.listens
JOIN tracks a USING (track_id)
WINDOW of_year AS (PARTITION BY h.year ORDER BY h.listens DESC, a.track, a.track_id)
QUALIFY place <= 10
ORDER BY h.year DESC, place
