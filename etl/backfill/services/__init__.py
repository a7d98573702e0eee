"""The requests to each service, and what its answers say."""
