-- the newest runs in the ledger of the database, with their counts
SELECT * REPLACE (date_trunc('second', began::TIMESTAMP) AS began)
FROM loads  -- which has them in this order; their times do not, if the clock was set back
