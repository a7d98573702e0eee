-- At the end of a replay: its id, the runs that it completes, their files, and what is unresolved in each.
-- A file that another run has loaded since is not changed. Copies of a file are one entry, which is known for the
-- versions for which all copies are. From now on the file also relies on the listens that the replay inserted.
UPDATE etl.files f
SET settled_for = w.settled_for, unresolved = w.unresolved, relied_on = f.relied_on + w.relied_on, finished_at = now(),
    number = nextval('etl.numbers')
FROM (
    SELECT
        sha256, format, options, max(settled_for COLLATE "C") AS settled_for, sum(unresolved)::bigint AS unresolved,
        sum(relied_on)::bigint AS relied_on
    FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[])
        AS u (sha256, format, options, settled_for, unresolved, relied_on)
    GROUP BY sha256, format, options
) w
WHERE f.sha256 = w.sha256 AND f.format = w.format AND f.options = w.options AND f.run_id = ANY ($2::text[])
    AND f.user_id = (SELECT r.user_id FROM etl.runs r WHERE r.run_id = $1)
