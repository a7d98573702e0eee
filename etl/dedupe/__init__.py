"""One listen that several files, services or runs recorded: found by exact match, or reported as likely. Pure.

An exact match is the same second and the same names in another service or format, or the same minute where a format
knows no more: such a row adds nothing and is set aside. Anything weaker is a likely double: reported, never dropped
unasked. ``plays`` prepares both sides, ``match`` finds the pairs, ``apply_doubles`` applies them to a run's listens.
"""

from etl.dedupe.apply import ACCOUNT_TWIN, SAME_AS, Settled, apply_doubles, nothing_settled
from etl.dedupe.match import Doubles, find_doubles
from etl.dedupe.plays import hours, own_client

__all__ = [
    "ACCOUNT_TWIN",
    "SAME_AS",
    "Doubles",
    "Settled",
    "apply_doubles",
    "find_doubles",
    "hours",
    "nothing_settled",
    "own_client",
]
