-- Table track_lookup with the resolved keys, and five triggers that update it after merges.
CREATE TABLE public.track_lookup (
    lookup_key text PRIMARY KEY,
    artist_id integer NOT NULL REFERENCES public.artists (id) ON DELETE CASCADE,
    album_id integer NOT NULL REFERENCES public.releases (id) ON DELETE CASCADE,
    track_id integer NOT NULL REFERENCES public.tracks (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX idx_track_lookup_artist_id ON public.track_lookup (artist_id);
CREATE INDEX idx_track_lookup_album_id ON public.track_lookup (album_id);
CREATE INDEX idx_track_lookup_track_id ON public.track_lookup (track_id);

-- Koito may connect as a role that has no rights on track_lookup: SECURITY DEFINER lets its merges go through.

-- Merged tracks: their listens move to another track. Once the old track has none left, its texts mean the new one.
CREATE FUNCTION etl.follow_merged_track() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM public.listens l WHERE l.track_id = OLD.track_id) THEN
        UPDATE public.track_lookup k
        SET track_id = t.id, album_id = t.release_id, artist_id = coalesce(
            (SELECT l.artist_id FROM public.artist_tracks l
             WHERE l.track_id = t.id ORDER BY l.is_primary DESC, l.artist_id LIMIT 1), k.artist_id)
        FROM public.tracks t
        WHERE k.track_id = OLD.track_id AND t.id = NEW.track_id;
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER etl_follow_merged_track
AFTER UPDATE OF track_id ON public.listens
FOR EACH ROW WHEN (OLD.track_id <> NEW.track_id) EXECUTE FUNCTION etl.follow_merged_track();

-- Merged albums: their tracks move to another release.
CREATE FUNCTION etl.follow_merged_album() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE public.track_lookup k SET album_id = NEW.release_id WHERE k.track_id = NEW.id;
    RETURN NULL;
END
$$;

CREATE TRIGGER etl_follow_merged_album
AFTER UPDATE OF release_id ON public.tracks
FOR EACH ROW WHEN (OLD.release_id <> NEW.release_id) EXECUTE FUNCTION etl.follow_merged_album();

-- Merged artists: their credits move to another artist.
CREATE FUNCTION etl.follow_merged_artist() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE public.track_lookup k SET artist_id = NEW.artist_id
    WHERE k.track_id = NEW.track_id AND k.artist_id = OLD.artist_id;
    RETURN NULL;
END
$$;

CREATE TRIGGER etl_follow_merged_artist
AFTER UPDATE OF artist_id ON public.artist_tracks
FOR EACH ROW WHEN (OLD.artist_id <> NEW.artist_id) EXECUTE FUNCTION etl.follow_merged_artist();

-- Merged artists who were both on a track: the credit of one is deleted. The key moves to a credit that remains.
CREATE FUNCTION etl.follow_dropped_credit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE public.track_lookup k SET artist_id = r.artist_id
    FROM (
        SELECT l.artist_id FROM public.artist_tracks l
        WHERE l.track_id = OLD.track_id ORDER BY l.is_primary DESC, l.artist_id LIMIT 1
    ) r
    WHERE k.track_id = OLD.track_id AND k.artist_id = OLD.artist_id;
    RETURN NULL;
END
$$;

CREATE TRIGGER etl_follow_dropped_credit
AFTER DELETE ON public.artist_tracks
FOR EACH ROW EXECUTE FUNCTION etl.follow_dropped_credit();

-- Deleted artists: a key whose track another artist is on stays with that artist; the others go with the artist.
CREATE FUNCTION etl.keep_keys_of_deleted_artist() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM public.track_lookup k WHERE k.artist_id = OLD.id) THEN
        UPDATE public.track_lookup k SET artist_id = r.artist_id
        FROM (
            SELECT DISTINCT ON (l.track_id) l.track_id, l.artist_id
            FROM public.artist_tracks l
            JOIN public.artists a ON a.id = l.artist_id -- not one that the same statement has deleted before
            WHERE l.artist_id <> OLD.id
            ORDER BY l.track_id, l.is_primary DESC, l.artist_id
        ) r
        WHERE k.track_id = r.track_id AND k.artist_id = OLD.id;
    END IF;
    RETURN OLD;
END
$$;

CREATE TRIGGER etl_keep_keys_of_deleted_artist
BEFORE DELETE ON public.artists
FOR EACH ROW EXECUTE FUNCTION etl.keep_keys_of_deleted_artist();
