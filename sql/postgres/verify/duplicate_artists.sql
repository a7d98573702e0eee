-- warning: artists with the same name, not all with an MBID of their own: possible duplicates
SELECT n.alias AS name, array_agg(e.id ORDER BY e.id) AS ids
FROM public.artists e
JOIN public.artist_aliases n ON n.artist_id = e.id AND n.is_primary
GROUP BY n.alias
HAVING count(*) > 1 AND count(e.musicbrainz_id) < count(*)
ORDER BY n.alias
