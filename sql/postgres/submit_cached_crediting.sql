-- Does the same as submit_cached_enriching for a listen that has an MBID ($10) and name ($9) of an artist, or for the
-- first listen of its connection, for which the user's id ($4) is null. Each MBID is given to the one artist of the
-- track who has that name. "unsettled" says that one could not be given, because another artist has the MBID, or two
-- have the name. The resolver, for which their order matters, must then do it. Returns no row if the user's name or id
-- ($11, null for the only user) or our last migration ($12) does not match.
WITH hit AS MATERIALIZED (
    SELECT
        k.artist_id,
        k.album_id,
        k.track_id,
        o.user_id,
        t.release_id,
        t.musicbrainz_id AS recording,
        r.musicbrainz_id AS release,
        $6::uuid IS NOT NULL AND EXISTS (SELECT FROM public.tracks x WHERE x.musicbrainz_id = $6::uuid) AS recording_taken,
        $7::uuid IS NOT NULL AND EXISTS (SELECT FROM public.releases x WHERE x.musicbrainz_id = $7::uuid) AS release_taken,
        $7::uuid IS NOT NULL AND EXISTS (
            SELECT FROM public.release_aliases n WHERE n.release_id = t.release_id AND n.is_primary AND n.alias = $8
        ) AS is_titled
    FROM public.track_lookup k
    CROSS JOIN (SELECT coalesce($4::integer, (
        SELECT min(u.id) FROM public.users u
        WHERE $11::text IS NULL OR u.username = $11 OR u.id::text = $11
        HAVING count(*) = 1
    )) AS user_id) o
    JOIN public.tracks t ON t.id = k.track_id
    JOIN public.releases r ON r.id = t.release_id
    WHERE
        k.lookup_key = $1
        AND pg_advisory_xact_lock_shared(hashtextextended('etl.batch', 0)) IS NOT NULL
        AND ($4::integer IS NOT NULL OR (SELECT max(m.version) FROM etl.migrations m) = $12::integer)
        AND o.user_id IS NOT NULL
), listen AS (
    INSERT INTO public.listens (track_id, listened_at, client, user_id)
    SELECT h.track_id, to_timestamp($2::bigint), $3, h.user_id FROM hit h
    ON CONFLICT (track_id, listened_at) DO NOTHING
    RETURNING track_id
), track AS (
    UPDATE public.tracks t
    SET
        duration = CASE WHEN t.duration = 0 THEN coalesce($5::integer, 0) ELSE t.duration END,
        musicbrainz_id = coalesce(t.musicbrainz_id, CASE WHEN NOT h.recording_taken THEN $6::uuid END)
    FROM hit h
    WHERE
        t.id = h.track_id
        AND (t.duration = 0 AND $5::integer > 0
             OR t.musicbrainz_id IS NULL AND $6::uuid IS NOT NULL AND NOT h.recording_taken)
), release AS (
    UPDATE public.releases r
    SET musicbrainz_id = $7::uuid
    FROM hit h
    WHERE r.id = h.release_id AND h.is_titled AND NOT h.release_taken AND r.musicbrainz_id IS NULL
), offered AS MATERIALIZED (
    SELECT w.place, w.mbid::uuid AS mbid, a.id, a.musicbrainz_id AS held
    FROM hit h
    JOIN public.artist_tracks l ON l.track_id = h.track_id
    JOIN public.artists a ON a.id = l.artist_id
    JOIN public.artist_aliases n ON n.artist_id = a.id
    JOIN unnest($9::text[], $10::text[]) WITH ORDINALITY AS w (name, mbid, place) ON w.name = n.alias
    WHERE w.mbid IS NOT NULL
), artist AS (
    UPDATE public.artists a
    SET musicbrainz_id = o.mbid
    FROM offered o
    WHERE
        a.id = o.id
        AND a.musicbrainz_id IS NULL
        AND NOT EXISTS (SELECT FROM public.artists x WHERE x.musicbrainz_id = o.mbid)
        AND (SELECT count(*) = least(count(DISTINCT i.id), count(DISTINCT i.place), count(DISTINCT i.mbid)) FROM offered i)
    RETURNING a.id
)
SELECT
    h.artist_id,
    h.album_id,
    h.track_id,
    h.user_id,
    EXISTS (SELECT FROM listen) AS inserted,
    (SELECT l.user_id FROM public.listens l
     WHERE l.track_id = h.track_id AND l.listened_at = to_timestamp($2::bigint)) AS held_for,
    coalesce(h.recording <> $6::uuid, h.recording_taken) AS foreign_recording,
    h.is_titled AND coalesce(h.release <> $7::uuid, h.release_taken) AS foreign_release,
    (SELECT count(*) FROM offered o WHERE o.held IS DISTINCT FROM o.mbid) > (SELECT count(*) FROM artist) AS unsettled
FROM hit h
