"""``python -m tests.faults.victim ARGUMENTS``: the program, with so small batches that a short load has many."""

from __future__ import annotations

from functools import partial

from etl import pipeline
from etl.cli import main
from etl.rounds import Sizes

SIZES = {"batch": 12, "round": 40}

if __name__ == "__main__":
    vars(pipeline)["Sizes"] = partial(Sizes, **SIZES)
    main()
