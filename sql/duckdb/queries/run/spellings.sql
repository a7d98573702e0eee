-- keys that several spellings share
SELECT lookup_key, spellings, listens FROM keys WHERE len(spellings) > 1 ORDER BY listens DESC, lookup_key LIMIT 50
