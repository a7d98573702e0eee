-- Number and order-free checksum of listens, as stored_checksum.sql makes them.
SELECT
    count(*) AS listens,
    coalesce(sum(('0x' || left(md5(track_id || ':' || second), 15))::BIGINT), 0)::VARCHAR AS checksum
FROM pairs
