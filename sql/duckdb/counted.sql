-- The outcomes of the listens that the load counted. The others are excluded: they are the same listen as another row,
-- or as one that was in the database.
CREATE TEMP VIEW counted AS
SELECT * FROM outcome WHERE NOT coalesce(starts_with(detail, 'the same listen as '), false)
