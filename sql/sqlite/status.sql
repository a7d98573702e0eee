-- The number of listens, for `etl db status`.
SELECT count(*) AS listens FROM listens
