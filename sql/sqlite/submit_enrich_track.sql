-- Adds the duration ?2 (seconds) and the MBID ?3 of a live listen to its track ?1, if they are missing there. An MBID
-- that another track has is not added.
UPDATE tracks AS t SET
    duration = CASE WHEN t.duration = 0 THEN coalesce(?2, 0) ELSE t.duration END,
    musicbrainz_id = coalesce(
        t.musicbrainz_id, CASE WHEN NOT EXISTS (SELECT 1 FROM tracks x WHERE x.musicbrainz_id = ?3) THEN ?3 END)
WHERE
    t.id = ?1
    AND (t.duration = 0 AND ?2 > 0
        OR t.musicbrainz_id IS NULL AND ?3 IS NOT NULL AND NOT EXISTS (SELECT 1 FROM tracks x WHERE x.musicbrainz_id = ?3))
