"""A batch loader for listening histories."""

__version__ = "0.1.0"
