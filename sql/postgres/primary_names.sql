-- The display names of some tracks: the primary title, and the artists' primary names, the primary artist first.
SELECT t.id AS track_id, a.artist, n.alias AS track
FROM unnest($1::integer[]) AS w (id)
JOIN public.tracks t ON t.id = w.id
LEFT JOIN LATERAL (
    SELECT string_agg(m.alias, ', ' ORDER BY l.is_primary DESC, l.artist_id) AS artist
    FROM public.artist_tracks l
    JOIN public.artist_aliases m ON m.artist_id = l.artist_id AND m.is_primary
    WHERE l.track_id = t.id
) a ON true
LEFT JOIN LATERAL (
    SELECT m.alias FROM public.track_aliases m WHERE m.track_id = t.id ORDER BY m.is_primary DESC, m.alias LIMIT 1
) n ON true
