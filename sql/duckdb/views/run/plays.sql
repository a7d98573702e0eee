-- The listens without those that another row of the input repeats
CREATE VIEW plays AS
SELECT l.*, o.outcome, o.track_id, o.double_of
FROM listens l
JOIN outcome o USING (file, row)
WHERE o.outcome <> 'duplicate_in_input'
