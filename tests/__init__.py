"""The tests. Polars has one thread in the processes that share them: frames of a few rows take a fifth less time so.

The processes that tests start, and a run of the tests without xdist, have as many as there are cores.
Under nohup, the tests ignore SIGHUP, and the processes that they start do not.
"""

import os
import signal

if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda *_: None)  # unlike SIG_IGN, it is not inherited

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ["POLARS_MAX_THREADS"] = "1"
    import polars as pl

    assert pl.thread_pool_size() == 1
    del os.environ["POLARS_MAX_THREADS"]
