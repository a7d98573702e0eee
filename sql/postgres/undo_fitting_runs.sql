-- The runs of the ledger whose id is, begins or ends with a text.
SELECT run_id FROM etl.runs WHERE starts_with(run_id, $1) OR right(run_id, length($1)) = $1 ORDER BY run_id
