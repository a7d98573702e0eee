-- the newest runs into this database that its ledger knows, with their accounts
SELECT * REPLACE (date_trunc('second', began::TIMESTAMP) AS began) FROM loads ORDER BY began DESC, run_id DESC
