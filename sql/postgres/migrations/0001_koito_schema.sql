-- Koito's tables as Koito v0.1.7 to v0.1.10 creates them, and one user.
-- Only on the embedded server or with --standalone; Koito's own database has them already.
CREATE TYPE public.role AS ENUM ('admin', 'user');

CREATE TABLE public.artists (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    musicbrainz_id uuid UNIQUE,
    image uuid,
    image_source text
);

CREATE TABLE public.artist_aliases (
    artist_id integer NOT NULL REFERENCES public.artists (id) ON DELETE CASCADE,
    alias text NOT NULL,
    source text NOT NULL,
    is_primary boolean NOT NULL,
    PRIMARY KEY (artist_id, alias)
);

CREATE TABLE public.releases (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    musicbrainz_id uuid UNIQUE,
    image uuid,
    various_artists boolean NOT NULL DEFAULT false,
    image_source text
);

CREATE TABLE public.release_aliases (
    release_id integer NOT NULL REFERENCES public.releases (id) ON DELETE CASCADE,
    alias text NOT NULL,
    source text NOT NULL,
    is_primary boolean NOT NULL,
    PRIMARY KEY (release_id, alias)
);

CREATE TABLE public.artist_releases (
    artist_id integer NOT NULL REFERENCES public.artists (id) ON DELETE CASCADE,
    release_id integer NOT NULL REFERENCES public.releases (id) ON DELETE CASCADE,
    is_primary boolean NOT NULL DEFAULT false,
    PRIMARY KEY (artist_id, release_id)
);

CREATE TABLE public.tracks (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    musicbrainz_id uuid UNIQUE,
    duration integer NOT NULL DEFAULT 0,
    release_id integer NOT NULL CONSTRAINT track_release_id_fkey REFERENCES public.releases (id) ON DELETE CASCADE
);

CREATE TABLE public.track_aliases (
    track_id integer NOT NULL REFERENCES public.tracks (id) ON DELETE CASCADE,
    alias text NOT NULL,
    is_primary boolean NOT NULL,
    source text NOT NULL,
    PRIMARY KEY (track_id, alias)
);

CREATE TABLE public.artist_tracks (
    artist_id integer NOT NULL REFERENCES public.artists (id) ON DELETE CASCADE,
    track_id integer NOT NULL REFERENCES public.tracks (id) ON DELETE CASCADE,
    is_primary boolean NOT NULL DEFAULT false,
    PRIMARY KEY (artist_id, track_id)
);

CREATE TABLE public.users (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    username text NOT NULL UNIQUE,
    role public.role NOT NULL DEFAULT 'user',
    password bytea NOT NULL
);

CREATE TABLE public.api_keys (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key text NOT NULL UNIQUE,
    user_id integer NOT NULL REFERENCES public.users (id) ON DELETE CASCADE,
    created_at timestamp NOT NULL DEFAULT now(),
    label text NOT NULL
);

CREATE TABLE public.sessions (
    id uuid PRIMARY KEY,
    user_id integer NOT NULL REFERENCES public.users (id) ON DELETE CASCADE,
    created_at timestamp NOT NULL DEFAULT now(),
    expires_at timestamp NOT NULL,
    persistent boolean NOT NULL DEFAULT false
);

CREATE TABLE public.listens (
    track_id integer NOT NULL REFERENCES public.tracks (id) ON DELETE CASCADE,
    listened_at timestamptz NOT NULL,
    client text,
    user_id integer NOT NULL REFERENCES public.users (id) ON DELETE CASCADE,
    PRIMARY KEY (track_id, listened_at)
);

CREATE INDEX idx_artist_aliases_artist_id ON public.artist_aliases (artist_id);
CREATE INDEX idx_artist_releases ON public.artist_releases (artist_id, release_id);
CREATE INDEX idx_tracks_release_id ON public.tracks (release_id);
CREATE INDEX listens_listened_at_idx ON public.listens (listened_at);
CREATE INDEX listens_track_id_listened_at_idx ON public.listens (track_id, listened_at);
CREATE INDEX release_aliases_release_id_idx ON public.release_aliases (release_id) WHERE is_primary;
CREATE INDEX track_aliases_track_id_idx ON public.track_aliases (track_id) WHERE is_primary;

-- Koito's search wants trigram indexes; the extension is not shipped with the embedded server.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_trgm') THEN
        CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;
        CREATE INDEX idx_artist_aliases_alias_trgm ON public.artist_aliases USING gin (alias public.gin_trgm_ops);
        CREATE INDEX idx_release_aliases_alias_trgm ON public.release_aliases USING gin (alias public.gin_trgm_ops);
        CREATE INDEX idx_track_aliases_alias_trgm ON public.track_aliases USING gin (alias public.gin_trgm_ops);
    END IF;
END
$$;

CREATE VIEW public.artists_with_name AS
SELECT a.id, a.musicbrainz_id, a.image, a.image_source, n.alias AS name
FROM public.artists a
JOIN public.artist_aliases n ON n.artist_id = a.id
WHERE n.is_primary;

CREATE VIEW public.releases_with_title AS
SELECT r.id, r.musicbrainz_id, r.image, r.various_artists, r.image_source, n.alias AS title
FROM public.releases r
JOIN public.release_aliases n ON n.release_id = r.id
WHERE n.is_primary;

CREATE VIEW public.tracks_with_title AS
SELECT t.id, t.musicbrainz_id, t.duration, t.release_id, n.alias AS title
FROM public.tracks t
JOIN public.track_aliases n ON n.track_id = t.id
WHERE n.is_primary;

CREATE FUNCTION public.get_artists_for_release(release_id integer) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT jsonb_agg(jsonb_build_object('id', a.id, 'name', a.name) ORDER BY l.is_primary DESC, a.name)
    FROM public.artist_releases l
    JOIN public.artists_with_name a ON a.id = l.artist_id
    WHERE l.release_id = $1
$$;

CREATE FUNCTION public.get_artists_for_track(track_id integer) RETURNS jsonb
LANGUAGE sql STABLE AS $$
    SELECT jsonb_agg(jsonb_build_object('id', a.id, 'name', a.name) ORDER BY l.is_primary DESC, a.name)
    FROM public.artist_tracks l
    JOIN public.artists_with_name a ON a.id = l.artist_id
    WHERE l.track_id = $1
$$;

CREATE FUNCTION public.delete_orphan_releases() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM public.releases r
    WHERE r.id = OLD.release_id
      AND NOT EXISTS (SELECT FROM public.artist_releases l WHERE l.release_id = OLD.release_id);
    RETURN NULL;
END
$$;

CREATE TRIGGER trg_delete_orphan_releases
AFTER DELETE ON public.artist_releases
FOR EACH ROW EXECUTE FUNCTION public.delete_orphan_releases();

-- The password is not a bcrypt hash, so nobody can log in with it.
INSERT INTO public.users (username, role, password) VALUES ('admin', 'admin', convert_to('!', 'UTF8'));
