-- warning: albums with the same title and main artist, not all with an MBID of their own: possible duplicates
SELECT n.alias AS title, c.artist_id, json_group_array(r.id ORDER BY r.id) AS ids
FROM releases r
JOIN release_aliases n ON n.release_id = r.id AND n.is_primary
JOIN artist_releases c ON c.release_id = r.id AND c.is_primary
GROUP BY n.alias, c.artist_id
HAVING count(*) > 1 AND count(r.musicbrainz_id) < count(*)
ORDER BY n.alias, c.artist_id
