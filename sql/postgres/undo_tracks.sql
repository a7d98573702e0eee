-- Removes the given tracks that have no listens, and the rows that belong to them: foreign keys may be unchecked (see
-- undo_suspend_foreign_keys.sql), and Koito has no index from a track to its artists.
WITH gone AS MATERIALIZED (
    SELECT t.id
    FROM public.tracks t
    WHERE t.id = ANY ($1::integer[]) AND NOT EXISTS (SELECT FROM public.listens l WHERE l.track_id = t.id)
), names AS (
    DELETE FROM public.track_aliases n USING gone g WHERE n.track_id = g.id
), credits AS (
    DELETE FROM public.artist_tracks l USING gone g WHERE l.track_id = g.id
), keys AS (
    DELETE FROM public.track_lookup k USING gone g WHERE k.track_id = g.id
)
DELETE FROM public.tracks t USING gone g WHERE t.id = g.id RETURNING t.id
