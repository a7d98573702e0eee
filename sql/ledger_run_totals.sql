-- Called by etl/ledger.py: what the batches of a run say, for its accounting.
SELECT
    coalesce(sum(inserted), 0)::bigint AS inserted,
    coalesce(sum(artists), 0)::bigint AS artists,
    coalesce(sum(albums), 0)::bigint AS albums,
    coalesce(sum(tracks), 0)::bigint AS tracks
FROM etl.batches
WHERE run_id = $1
