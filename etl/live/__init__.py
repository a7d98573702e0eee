"""Stores live listens, one at a time."""
