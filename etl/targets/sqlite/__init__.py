"""SQLite as a target: the file of today's Koito."""
