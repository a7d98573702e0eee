"""Turns the paths that a user gives into rows: finds files, reads them, normalises their rows."""
