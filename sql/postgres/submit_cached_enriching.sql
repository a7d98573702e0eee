-- Does the same as submit_cached for a listen with a duration ($5, seconds) or MBIDs of its recording ($6) and release
-- ($7, with the title $8). Missing values are filled in, as in etl/resolve/planner.py: no value is overwritten, and no
-- MBID of another entity is used. There is one UPDATE per table, because a statement can change a row only once.
WITH hit AS MATERIALIZED (
    SELECT
        k.artist_id,
        k.album_id,
        k.track_id,
        t.release_id,
        t.musicbrainz_id AS recording,
        r.musicbrainz_id AS release,
        $6::uuid IS NOT NULL AND EXISTS (SELECT FROM public.tracks x WHERE x.musicbrainz_id = $6::uuid) AS recording_taken,
        $7::uuid IS NOT NULL AND EXISTS (SELECT FROM public.releases x WHERE x.musicbrainz_id = $7::uuid) AS release_taken,
        $7::uuid IS NOT NULL AND EXISTS (
            SELECT FROM public.release_aliases n WHERE n.release_id = t.release_id AND n.is_primary AND n.alias = $8
        ) AS is_titled
    FROM public.track_lookup k
    JOIN public.tracks t ON t.id = k.track_id
    JOIN public.releases r ON r.id = t.release_id
    WHERE
        k.lookup_key = $1
        AND pg_advisory_xact_lock_shared(hashtextextended('etl.batch', 0)) IS NOT NULL
), listen AS (
    INSERT INTO public.listens (track_id, listened_at, client, user_id)
    SELECT h.track_id, to_timestamp($2::bigint), $3, $4::integer FROM hit h
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
)
SELECT
    h.artist_id,
    h.album_id,
    h.track_id,
    $4::integer AS user_id,
    EXISTS (SELECT FROM listen) AS inserted,
    (SELECT l.user_id FROM public.listens l
     WHERE l.track_id = h.track_id AND l.listened_at = to_timestamp($2::bigint)) AS held_for,
    coalesce(h.recording <> $6::uuid, h.recording_taken) AS foreign_recording,
    h.is_titled AND coalesce(h.release <> $7::uuid, h.release_taken) AS foreign_release,
    false AS unsettled
FROM hit h
