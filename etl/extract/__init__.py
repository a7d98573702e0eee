"""From the paths that a user gives to rows: finds files, reads them, normalises what they hold."""
