"""PostgreSQL as a target: Koito's database, or an embedded server of our own."""
