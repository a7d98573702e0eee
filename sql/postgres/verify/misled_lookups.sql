-- warning: keys that refer to one track while another track has their names: a load uses the first, a scrobble the second
-- A key does not count if an MBID may have found its track, or if a merge or a new name has left it without a rival.
-- The artists of each track are collected once, because Koito has no index from a track to its artists.
WITH parts AS (
    SELECT
        lookup_key,
        track_id,
        split_part(lookup_key, chr(31), 1) AS credit,
        split_part(lookup_key, chr(31), 2) AS title,
        coalesce(nullif(split_part(lookup_key, chr(31), 3), ''), split_part(lookup_key, chr(31), 2)) AS album
    FROM public.track_lookup
    WHERE strpos(lookup_key, chr(31)) > 0 -- the digest of a long key contains no names
), titled AS (
    SELECT track_id, array_agg(lower(alias)) AS names FROM public.track_aliases GROUP BY track_id
), albums AS (
    SELECT release_id, array_agg(lower(alias)) AS names FROM public.release_aliases GROUP BY release_id
), people AS (
    SELECT c.track_id, array_agg(lower(n.alias)) AS names, bool_or(a.musicbrainz_id IS NOT NULL) AS by_mbid
    FROM public.artist_tracks c
    JOIN public.artists a ON a.id = c.artist_id
    JOIN public.artist_aliases n ON n.artist_id = a.id
    GROUP BY c.track_id
), strangers AS MATERIALIZED (
    SELECT p.lookup_key, p.track_id, p.credit, p.title, p.album
    FROM parts p
    JOIN public.tracks t ON t.id = p.track_id AND t.musicbrainz_id IS NULL
    JOIN public.releases r ON r.id = t.release_id
    LEFT JOIN titled n ON n.track_id = t.id
    LEFT JOIN albums a ON a.release_id = r.id
    LEFT JOIN people e ON e.track_id = t.id
    WHERE
        p.title = ANY (n.names) IS NOT true
        OR r.musicbrainz_id IS NULL AND p.album = ANY (a.names) IS NOT true
        OR e.by_mbid IS NOT true
        AND NOT EXISTS (SELECT FROM unnest(e.names) AS w (name) WHERE strpos(p.credit, w.name) > 0)
)
SELECT s.lookup_key, s.track_id, min(f.id) AS track_of_that_name
FROM strangers s
JOIN public.track_aliases n ON lower(n.alias) = s.title AND n.is_primary
JOIN public.tracks f ON f.id = n.track_id AND f.id <> s.track_id
JOIN public.release_aliases a ON a.release_id = f.release_id AND a.is_primary AND lower(a.alias) = s.album
JOIN public.artist_tracks c ON c.track_id = f.id
JOIN public.artist_aliases o ON o.artist_id = c.artist_id
WHERE
    starts_with(s.credit, lower(o.alias))
    AND substr(s.credit, length(lower(o.alias)) + 1, 1) !~ '[[:alnum:]]' -- "ann" must not match "Anna"
GROUP BY s.lookup_key, s.track_id
ORDER BY s.lookup_key
