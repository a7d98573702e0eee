"""Checks that what a run says of itself is so, and that the database is sound: nothing is written."""

from etl.verify.checks import Check, Result, Verdict
from etl.verify.database import named_checks, verify_database
from etl.verify.run import verify_run

__all__ = ["Check", "Result", "Verdict", "named_checks", "verify_database", "verify_run"]
