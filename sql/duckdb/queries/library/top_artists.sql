-- the artists with the most listens; as in Koito, a listen counts for each artist of its track
SELECT artist, listens, tracks
FROM artists
ORDER BY listens DESC, artist, artist_id
LIMIT 20
