"""Requests to each service, and what its responses mean. Pure: nothing here sends anything."""
