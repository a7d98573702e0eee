-- Once per worker's connection. A batch need not wait for the disk: the commit that ends the run
-- does, and flushes all before it; until then no file counts as loaded.
SET synchronous_commit = off
