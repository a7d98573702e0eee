-- After the last batch: the files of a run, the versions for which they are known, their records, unresolved listens,
-- and rows that relied on other listens.
UPDATE etl.files f
SET
    settled_for = w.settled_for,
    records = w.records,
    unresolved = w.unresolved,
    relied_on = w.relied_on,
    finished_at = now(),
    number = nextval('etl.numbers')
FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[])
    AS w (sha256, format, options, settled_for, records, unresolved, relied_on)
WHERE f.sha256 = w.sha256 AND f.format = w.format AND f.options = w.options AND f.run_id = $1
