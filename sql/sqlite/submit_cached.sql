-- The result for a live listen, after submit_listen and submit_enrich_*. ?1, ?2: its artist and track; ?3: seconds
-- since 1970; ?4: user; ?5: whether it was inserted; ?6, ?7, ?8: the MBIDs of its recording and release, and the title
-- of the release; ?9: its artists, as rows [name, MBID].
-- "unsettled" says that an MBID could not be given to an artist, because another artist has it, or two have the name.
-- The resolver, for which their order matters, must then do it.
SELECT
    ?1 AS artist_id,
    t.release_id AS album_id,
    t.id AS track_id,
    ?4 AS user_id,
    ?5 AS inserted,
    CASE WHEN NOT ?5 THEN (SELECT l.user_id FROM listens l WHERE l.track_id = t.id AND l.listened_at = ?3) END AS held_for,
    coalesce(
        t.musicbrainz_id <> ?6, EXISTS (SELECT 1 FROM tracks x WHERE x.musicbrainz_id = ?6)
    ) AS foreign_recording,
    EXISTS (SELECT 1 FROM release_aliases n WHERE n.release_id = r.id AND n.is_primary AND n.alias = ?8)
    AND coalesce(
        r.musicbrainz_id <> ?7, EXISTS (SELECT 1 FROM releases x WHERE x.musicbrainz_id = ?7)
    ) AS foreign_release,
    EXISTS (
        SELECT 1
        FROM artist_tracks l
        JOIN artists a ON a.id = l.artist_id
        JOIN artist_aliases n ON n.artist_id = a.id
        JOIN json_each(?9) w ON w.value->>0 = n.alias
        WHERE l.track_id = t.id AND w.value->>1 IS NOT NULL AND a.musicbrainz_id IS NOT w.value->>1
    ) AS unsettled
FROM tracks t
JOIN releases r ON r.id = t.release_id
WHERE t.id = ?2
