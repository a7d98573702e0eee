"""The tests. Of two processes that share them, the first gives Polars one thread, the second all of them.

Nothing may depend on their number, and one thread takes a fifth less of the processor for frames of a few rows.
"""

import os

if os.environ.get("PYTEST_XDIST_WORKER") == "gw0":
    os.environ["POLARS_MAX_THREADS"] = "1"
    import polars as pl

    assert pl.thread_pool_size() == 1
    del os.environ["POLARS_MAX_THREADS"]  # the processes that tests start have their own way
