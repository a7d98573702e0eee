"""A PostgreSQL server that this program installs, starts and stops."""
