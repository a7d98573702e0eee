-- Schema etl with the ledger: what each run, file and batch did.
CREATE TABLE etl.runs (
    run_id text PRIMARY KEY,
    source text NOT NULL,
    user_id integer NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    status text,
    exit_code integer,
    inserted bigint
);

-- One row for the same bytes, read the same way, for the same user. A row is written before the file's first batch
-- (finished_at is null) and completed after its last.
CREATE TABLE etl.files (
    sha256 text NOT NULL,
    user_id integer NOT NULL,
    format text NOT NULL,
    options text NOT NULL,
    spotify_time text NOT NULL,
    run_id text NOT NULL REFERENCES etl.runs (run_id) ON DELETE CASCADE,
    path text NOT NULL,
    records bigint,
    unresolved bigint,
    finished_at timestamptz,
    PRIMARY KEY (sha256, user_id, format, options)
);

-- Written in the transaction that inserts the batch's listens: the sum of inserted is what the run has put in.
CREATE TABLE etl.batches (
    run_id text NOT NULL REFERENCES etl.runs (run_id) ON DELETE CASCADE,
    batch integer NOT NULL,
    backend integer NOT NULL DEFAULT pg_backend_pid(),
    listens bigint NOT NULL,
    inserted bigint NOT NULL,
    artists integer NOT NULL,
    albums integer NOT NULL,
    tracks integer NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    written_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (run_id, batch)
);
