-- Once per undo: the statements themselves remove what belongs to a removed row, and foreign keys are not checked row
-- by row, which would read all credits for each track. Only if the role is allowed to do so, and if nothing but Koito's
-- and our own objects depends on the removed rows. Returns a row if batches do so from now on: batch_lock.sql reads the
-- mark.
WITH removed AS (
    SELECT unnest(ARRAY[
        'public.artists', 'public.artist_aliases', 'public.releases', 'public.release_aliases', 'public.tracks',
        'public.track_aliases', 'public.artist_releases', 'public.artist_tracks', 'public.track_lookup', 'public.listens'
    ]::regclass[]) AS id
)
SELECT set_config('etl.as_sets', 'on', false) AS mark
WHERE
    has_parameter_privilege('session_replication_role', 'SET')
    AND NOT EXISTS (
        SELECT
        FROM pg_trigger t
        JOIN removed r ON r.id = t.tgrelid
        WHERE
            NOT t.tgisinternal
            AND t.tgenabled = 'O'
            AND t.tgtype & 24 <> 0 -- TRIGGER_TYPE_DELETE and TRIGGER_TYPE_UPDATE of pg_trigger.h
            AND t.tgname <> 'trg_delete_orphan_releases'
            AND NOT starts_with(t.tgname, 'etl_')
    )
    AND NOT EXISTS (
        SELECT FROM pg_rewrite w JOIN removed r ON r.id = w.ev_class WHERE w.ev_enabled = 'O'
    )
    AND NOT EXISTS (
        SELECT
        FROM pg_constraint c
        JOIN removed r ON r.id = c.confrelid
        WHERE c.contype = 'f' AND c.conrelid NOT IN (SELECT id FROM removed)
    )
    AND NOT EXISTS ( -- a deferrable unique constraint is enforced by a trigger
        SELECT FROM pg_constraint c JOIN removed r ON r.id = c.conrelid WHERE c.condeferrable AND c.contype <> 'f'
    )
