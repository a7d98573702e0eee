-- The newest runs into this database that its ledger knows, with their accounts
CREATE VIEW loads AS FROM stored_loads
