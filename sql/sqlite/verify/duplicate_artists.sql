-- warning: artists of one name of which not each has an MBID of its own: perhaps one and the same
SELECT n.alias AS name, json_group_array(e.id ORDER BY e.id) AS ids
FROM artists e
JOIN artist_aliases n ON n.artist_id = e.id AND n.is_primary
GROUP BY n.alias
HAVING count(*) > 1 AND count(e.musicbrainz_id) < count(*)
ORDER BY n.alias
