-- where the time went: the steps of the run, the slowest first
SELECT step, seconds, round(100 * seconds / nullif(sum(seconds) OVER (), 0), 1) AS percent
FROM timings
ORDER BY seconds DESC, step
