-- the newest runs in the ledger of the database, with their counts
SELECT * REPLACE (date_trunc('second', began::TIMESTAMP) AS began) FROM loads ORDER BY began DESC, run_id DESC
