-- Adds the MBID ?2 of a live listen to the release of its track ?1, if that has the title ?3 and no MBID, and if no
-- other release has this MBID.
UPDATE releases AS r SET musicbrainz_id = ?2
WHERE
    r.id = (SELECT t.release_id FROM tracks t WHERE t.id = ?1)
    AND r.musicbrainz_id IS NULL
    AND EXISTS (SELECT 1 FROM release_aliases n WHERE n.release_id = r.id AND n.is_primary AND n.alias = ?3)
    AND NOT EXISTS (SELECT 1 FROM releases x WHERE x.musicbrainz_id = ?2)
