"""``python -m tests.faults.victim ARGUMENTS``: the program, with so small batches that a short load has many.

It says at once that it waits. Every other process spills its listens to disk and loads them in
chunks, unless IN_MEMORY is set.
"""

from __future__ import annotations

import os
from functools import partial

from etl.cli import main
from etl.core import waits
from etl.load.loader import Sizes
from etl.pipeline import removal
from etl.pipeline import run as pipeline
from etl.targets.sqlite import lock_wait

SIZES = {"batch": 12, "round": 40, "step": 15}
BY_DISK = {"together": 1, "chunk": 60}

if __name__ == "__main__":
    spills = os.getpid() % 2 and "IN_MEMORY" not in os.environ
    vars(pipeline)["Sizes"] = partial(Sizes, **SIZES, **(BY_DISK if spills else {}))
    vars(removal)["BATCH"] = SIZES["batch"]
    vars(lock_wait)["LOG_AFTER"] = 0.0
    vars(waits)["PATIENCE"] = 0.0
    main()
