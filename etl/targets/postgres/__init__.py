"""Koito's PostgreSQL, and a server of our own."""
