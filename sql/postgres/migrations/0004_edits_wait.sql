-- Triggers that make Koito's merges and deletes wait for the current batches of a load.
-- Koito's edits are several statements, and the last ones delete whatever has no listens. What a batch writes between
-- two of them would be deleted as well: a listen with the track or album that it was put on, a credit with its artist.
-- So an edit waits, before its first change, for the batches that are under way, and those that follow wait for it.
-- Every batch holds the lock "etl.batch" shared until its commit. Koito's scrobbles only insert; they wait for nothing.
--
-- The functions run with the rights of Koito's own role. The setting etl.edit, until the edit's end: "alone", or, where
-- it waited, the snapshot of what was committed before; its first statement sees no more than that.
CREATE FUNCTION etl.wait_for_batches() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '20s' AS $$
DECLARE
    seen text := 'alone';
BEGIN
    IF coalesce(current_setting('etl.edit', true), '') <> '' THEN
        RETURN NULL;
    END IF;
    IF NOT pg_try_advisory_xact_lock(hashtextextended('etl.batch', 0)) THEN
        seen := pg_current_snapshot()::text;
        BEGIN
            PERFORM pg_advisory_xact_lock(hashtextextended('etl.batch', 0));
        EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
            NULL; -- no batch should take so long; Koito's user is not let down for it
        END;
    END IF;
    PERFORM set_config('etl.edit', seen, true);
    RETURN NULL;
END
$$;

CREATE TRIGGER etl_wait_for_batches BEFORE UPDATE OF track_id ON public.listens
FOR EACH STATEMENT EXECUTE FUNCTION etl.wait_for_batches();

CREATE TRIGGER etl_wait_for_batches BEFORE UPDATE OF release_id OR DELETE ON public.tracks
FOR EACH STATEMENT EXECUTE FUNCTION etl.wait_for_batches();

CREATE TRIGGER etl_wait_for_batches BEFORE DELETE ON public.releases
FOR EACH STATEMENT EXECUTE FUNCTION etl.wait_for_batches();

CREATE TRIGGER etl_wait_for_batches BEFORE DELETE ON public.artists
FOR EACH STATEMENT EXECUTE FUNCTION etl.wait_for_batches();

CREATE TRIGGER etl_wait_for_batches BEFORE UPDATE OF artist_id OR DELETE ON public.artist_tracks
FOR EACH STATEMENT EXECUTE FUNCTION etl.wait_for_batches();

CREATE TRIGGER etl_wait_for_batches BEFORE UPDATE OF artist_id OR DELETE ON public.artist_releases
FOR EACH STATEMENT EXECUTE FUNCTION etl.wait_for_batches();

-- Merged artists: the first statement deletes the credits that would be doubled. Those that a batch added since go here.
CREATE FUNCTION etl.drop_doubled_credit() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM public.artist_tracks l WHERE l.track_id = NEW.track_id AND l.artist_id = NEW.artist_id) THEN
        DELETE FROM public.artist_tracks l WHERE l.track_id = OLD.track_id AND l.artist_id = OLD.artist_id;
        RETURN NULL;
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER etl_drop_doubled_credit BEFORE UPDATE OF artist_id ON public.artist_tracks
FOR EACH ROW WHEN (OLD.artist_id <> NEW.artist_id AND current_setting('etl.edit', true) LIKE '%:%')
EXECUTE FUNCTION etl.drop_doubled_credit();

-- Merged tracks: the first statement moves the listens. Those that a batch added to the old track since follow.
CREATE FUNCTION etl.move_late_listens() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    seen pg_snapshot := current_setting('etl.edit');
    last bigint := pg_snapshot_xmax(seen)::text;
BEGIN
    UPDATE public.listens l SET track_id = NEW.track_id
    WHERE l.track_id = OLD.track_id
        -- xmin without its upper half, which is that of the number nearest to the snapshot's
        AND NOT pg_visible_in_snapshot((last + ((l.xmin::text::bigint - last) << 32 >> 32))::text::xid8, seen)
        AND NOT EXISTS (SELECT FROM public.listens o WHERE o.track_id = NEW.track_id AND o.listened_at = l.listened_at);
    RETURN NULL;
END
$$;

CREATE TRIGGER etl_move_late_listens AFTER UPDATE OF track_id ON public.listens
FOR EACH ROW WHEN (OLD.track_id <> NEW.track_id AND current_setting('etl.edit', true) LIKE '%:%')
EXECUTE FUNCTION etl.move_late_listens();

-- Merged albums: the same for their tracks, whose artists the other album gets.
CREATE FUNCTION etl.move_late_tracks() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    seen pg_snapshot := current_setting('etl.edit');
    last bigint := pg_snapshot_xmax(seen)::text;
BEGIN
    WITH late AS (
        UPDATE public.tracks t SET release_id = NEW.release_id
        WHERE t.release_id = OLD.release_id
            AND NOT pg_visible_in_snapshot((last + ((t.xmin::text::bigint - last) << 32 >> 32))::text::xid8, seen)
        RETURNING t.id
    )
    INSERT INTO public.artist_releases (artist_id, release_id)
    SELECT DISTINCT l.artist_id, NEW.release_id FROM late JOIN public.artist_tracks l ON l.track_id = late.id
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;

CREATE TRIGGER etl_move_late_tracks AFTER UPDATE OF release_id ON public.tracks
FOR EACH ROW WHEN (OLD.release_id <> NEW.release_id AND current_setting('etl.edit', true) LIKE '%:%')
EXECUTE FUNCTION etl.move_late_tracks();
