"""The whole library: a user's listens read back from the database, whoever wrote them, for queries of DuckDB."""

from etl.library.inspect import library_queries, library_views, opened
from etl.library.read import Library, read_library, system_zone

__all__ = ["Library", "library_queries", "library_views", "opened", "read_library", "system_zone"]
