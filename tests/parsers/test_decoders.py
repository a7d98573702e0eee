"""Decoders may be made by several threads at once, for types that are used for the first time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from etl import parsers

# Each type holds others, so that describing it takes a while. A crash would end the process that runs the tests.
PROGRAM = """
import sys
import threading
import msgspec
from etl.parsers.decoders import json_decoder

sys.setswitchinterval(1e-6)

def decode(shape, start):
    start.wait()
    json_decoder(shape).decode(b'{"f0": {"f1": 1}}')

for number in range(300):
    inner = [msgspec.defstruct(f"Inner{n}", [(f"f{m}", int | None, None) for m in range(20)]) for n in range(10)]
    outer = msgspec.defstruct("Outer", [(f"f{n}", shape | None, None) for n, shape in enumerate(inner)])
    start = threading.Barrier(3)
    threads = [threading.Thread(target=decode, args=(outer, start)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""


def test_threads_make_decoders_of_one_new_type_at_once() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=False, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_only_this_module_makes_decoders() -> None:
    makers = [
        path.name for path in Path(parsers.__file__).parent.glob("*.py") if "json.Decoder(" in path.read_text("utf-8")
    ]
    assert makers == ["decoders.py"]
