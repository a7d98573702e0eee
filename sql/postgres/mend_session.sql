-- When a connection was opened and not all settings are as they must be: their names and values.
SELECT set_config(w.name, w.value, false) AS value FROM unnest($1::text[], $2::text[]) AS w (name, value)
