-- The outcomes of listens that were to be loaded. The others were set aside
-- before: they are the same listen as another row, or as one that the database held.
CREATE TEMP VIEW counted AS
SELECT * FROM outcome WHERE NOT coalesce(starts_with(detail, 'the same listen as '), false)
