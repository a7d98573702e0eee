"""Reads the whole library: a user's listens in the database, whichever program wrote them, for DuckDB queries."""

from etl.library.inspect import library_queries, library_views, opened
from etl.library.read import Library, read_library, system_zone

__all__ = ["Library", "library_queries", "library_views", "opened", "read_library", "system_zone"]
