-- Ids for the artists, releases and tracks that a plan creates, from Koito's sequences.
WITH sequences AS MATERIALIZED (
    SELECT
        pg_get_serial_sequence('public.artists', 'id')::regclass AS artists,
        pg_get_serial_sequence('public.releases', 'id')::regclass AS releases,
        pg_get_serial_sequence('public.tracks', 'id')::regclass AS tracks
)
SELECT 'artists' AS entity, nextval(artists)::integer AS id FROM sequences, generate_series(1, $1::integer)
UNION ALL
SELECT 'releases', nextval(releases)::integer FROM sequences, generate_series(1, $2::integer)
UNION ALL
SELECT 'tracks', nextval(tracks)::integer FROM sequences, generate_series(1, $3::integer)
