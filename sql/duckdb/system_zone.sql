-- The time zone of this machine, as DuckDB detects it
SELECT current_setting('TimeZone')
