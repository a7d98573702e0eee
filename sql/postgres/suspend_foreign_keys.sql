-- Once per worker's connection: foreign keys are no longer checked row by row; missing_references.sql checks them. Only
-- if the role is allowed to do so, and if the tables that a batch inserts into have no trigger, rule or key other than
-- Koito's, because these would be ignored, too. Returns a row if batches do so from now on: batch_lock.sql reads the
-- mark.
WITH written AS (
    SELECT unnest(ARRAY[
        'public.artists', 'public.artist_aliases', 'public.releases', 'public.release_aliases', 'public.tracks',
        'public.track_aliases', 'public.artist_releases', 'public.artist_tracks', 'public.track_lookup', 'public.listens',
        'etl.batches'
    ]::regclass[]) AS id
)
SELECT set_config('etl.as_sets', 'on', false) AS mark
WHERE
    has_parameter_privilege('session_replication_role', 'SET')
    AND NOT EXISTS (
        SELECT FROM pg_trigger t JOIN written w ON w.id = t.tgrelid
        WHERE NOT t.tgisinternal AND t.tgenabled = 'O' AND t.tgtype & 4 <> 0 -- TRIGGER_TYPE_INSERT of pg_trigger.h
    )
    AND NOT EXISTS (
        SELECT FROM pg_rewrite r JOIN written w ON w.id = r.ev_class WHERE r.ev_enabled = 'O'
    )
    AND NOT EXISTS (
        SELECT FROM pg_constraint c JOIN written w ON w.id = c.conrelid
        WHERE c.contype = 'f' AND c.confrelid <> ALL (ARRAY[
            'public.artists', 'public.releases', 'public.tracks', 'public.users', 'etl.runs'
        ]::regclass[])
    )
    AND NOT EXISTS ( -- a deferrable unique constraint is enforced by a trigger
        SELECT FROM pg_constraint c JOIN written w ON w.id = c.conrelid WHERE c.condeferrable AND c.contype <> 'f'
    )
