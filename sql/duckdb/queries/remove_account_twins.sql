-- statements that remove listens of Spotify's account data which the extended history has too
SELECT DISTINCT format(
    'DELETE FROM listens WHERE track_id = {} AND listened_at = to_timestamp({}) AND client = ''spotify'';',
    regexp_extract(double_of, '!(\d+):(\d+)$', 1),
    regexp_extract(double_of, '!(\d+):(\d+)$', 2)
) AS statement
FROM outcome
WHERE detail = 'account_twin' AND outcome IN ('inserted', 'already_present')
ORDER BY statement
