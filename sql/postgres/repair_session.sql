-- After a connection is opened with some wrong settings: sets these, given their names and values.
SELECT set_config(w.name, w.value, false) AS value FROM unnest($1::text[], $2::text[]) AS w (name, value)
