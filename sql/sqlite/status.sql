-- For `etl db status`.
SELECT count(*) AS listens FROM listens
