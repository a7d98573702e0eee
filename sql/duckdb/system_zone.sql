-- The time zone of this machine, which DuckDB finds out by itself
SELECT current_setting('TimeZone')
