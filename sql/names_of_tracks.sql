-- Called by etl/overlap.py: the length of some tracks, their titles, and the names of their artists and albums.
SELECT
    t.id AS track_id,
    t.duration,
    (SELECT array_agg(n.alias) FROM public.track_aliases n WHERE n.track_id = t.id) AS titles,
    (
        SELECT array_agg(DISTINCT n.alias)
        FROM public.artist_tracks l
        JOIN public.artist_aliases n ON n.artist_id = l.artist_id
        WHERE l.track_id = t.id
    ) AS artists,
    (SELECT array_agg(n.alias) FROM public.release_aliases n WHERE n.release_id = t.release_id) AS albums
FROM unnest($1::integer[]) AS w (id)
JOIN public.tracks t ON t.id = w.id
