-- The newest runs in the ledger of the database, with their counts
CREATE VIEW loads AS FROM stored_loads
