"""The database side: connections, the embedded server, our migrations. Knows nothing of exports or listens."""
