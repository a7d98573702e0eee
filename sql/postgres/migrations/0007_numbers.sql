-- Numbers that order runs, files and lookup keys without the clock, which can be set back.
-- Whatever was recorded before this migration has 0, and is ordered by its times.
CREATE SEQUENCE etl.numbers;

-- When the run began and ended: 0 until it ends.
ALTER TABLE etl.runs ADD COLUMN number bigint NOT NULL DEFAULT 0;
ALTER TABLE etl.runs ALTER COLUMN number SET DEFAULT nextval('etl.numbers');
ALTER TABLE etl.runs ADD COLUMN end_number bigint NOT NULL DEFAULT 0;

-- When the file was completed: 0 until then.
ALTER TABLE etl.files ADD COLUMN number bigint NOT NULL DEFAULT 0;

-- When the key was stored.
ALTER TABLE public.track_lookup ADD COLUMN number bigint NOT NULL DEFAULT 0;
ALTER TABLE public.track_lookup ALTER COLUMN number SET DEFAULT nextval('etl.numbers');
