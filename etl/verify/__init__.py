"""Checks that the account of a run is true and that the database is sound. Writes nothing."""

from etl.verify.checks import Check, Result, Verdict
from etl.verify.database import named_checks, verify_database
from etl.verify.run import verify_run

__all__ = ["Check", "Result", "Verdict", "named_checks", "verify_database", "verify_run"]
