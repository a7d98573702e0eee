-- The listens that count, once each: without what other rows of the input repeat
CREATE VIEW plays AS
SELECT l.*, o.outcome, o.track_id, o.double_of
FROM listens l
JOIN outcome o USING (file, row)
WHERE o.outcome <> 'duplicate_in_input'
