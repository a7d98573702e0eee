-- warning: tracks with the same title, album and artists, not all with an MBID of their own: left by a merge of albums in Koito
WITH credited AS (
    SELECT track_id, array_agg(artist_id ORDER BY artist_id) AS artists FROM public.artist_tracks GROUP BY track_id
)
SELECT n.alias AS title, t.release_id AS album_id, array_agg(t.id ORDER BY t.id) AS ids
FROM public.tracks t
JOIN public.track_aliases n ON n.track_id = t.id AND n.is_primary
JOIN credited c ON c.track_id = t.id
GROUP BY n.alias, t.release_id, c.artists
HAVING count(*) > 1 AND count(t.musicbrainz_id) < count(*)
ORDER BY n.alias, t.release_id, ids
