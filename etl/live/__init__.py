"""Live listens, one at a time."""
