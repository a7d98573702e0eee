"""Decoders may be made by several threads at once, for types that are used for the first time."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import etl

PACKAGE = Path(etl.__file__).parent
PLAIN = {"Any", "dict", "str", "msgspec.Raw"}  # msgspec keeps nothing on these types

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


def test_only_this_module_describes_types_to_msgspec() -> None:
    found = {f"{path.relative_to(PACKAGE)}: {call}" for path in PACKAGE.rglob("*.py") for call in describing(path)}
    assert {one.split(":")[0] for one in found} == {"parsers/decoders.py"}, found


def describing(path: Path) -> list[str]:
    """Return the calls in ``path`` that may be the first to use a Struct type."""
    calls = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
    return [ast.unparse(call) for call in calls if not PLAIN.issuperset(words(call))]


def words(call: ast.Call) -> set[str]:
    """Return the words of the type that ``call`` gives to msgspec; none if it gives none."""
    name = ast.unparse(call.func)
    given = [keyword.value for keyword in call.keywords if keyword.arg == "type"]
    if name == "msgspec.json.Decoder":
        given += call.args[:1]
    elif name in {"msgspec.convert", "partial"} and "msgspec.convert" in ast.unparse(call):
        given += call.args[1:]
    elif name != "msgspec.json.decode":
        return set()
    return {word for shape in given for word in re.findall(r"[\w.]+", ast.unparse(shape))}
