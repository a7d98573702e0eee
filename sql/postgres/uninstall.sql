-- `etl db uninstall`: removes our objects; the triggers are removed with their functions.
DO $$ BEGIN
    DROP TABLE IF EXISTS public.track_lookup;
    DROP SCHEMA IF EXISTS etl CASCADE;
END $$;
