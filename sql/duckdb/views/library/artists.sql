-- The artists with listens; as in Koito, a listen counts for each artist of its track
CREATE VIEW artists AS
SELECT a.artist_id, a.artist, a.mbid, l.tracks, l.listens
FROM stored_artists a
JOIN (
    SELECT artist_id, count(*) AS tracks, sum(listens)::BIGINT AS listens
    FROM tracks
    JOIN credits USING (track_id)
    GROUP BY artist_id
) l USING (artist_id)
