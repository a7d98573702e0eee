"""Compares how fast this program and DuckDB's ``read_json`` read the same fields of a large Spotify history.

The history has bad rows in every tenth file: wrong types, NaN, half a surrogate pair, an incomplete record. DuckDB
rejects a whole file for the latter two, even with ``ignore_errors``, so it reads a copy in which these are sound.

A round reads the folder, DuckDB's copy, a zip of the folder, and the folder via `etl check`, each in its own process.
The first round warms caches and is not counted. The exit status does not depend on the numbers.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import zipfile
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.history import SEED, SPOTIFY_ROWS, spotify
from benchmarks.measure import RESULTS, Process, machine, module, needed, spread, timed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PLAYS = 1_000_000
TENTH = 10  # every tenth file has bad rows
TITLES = {
    "duckdb": "DuckDB's read_json",
    "ours": "extract, a folder",
    "ours_named": "  with names and keys",
    "zip": "extract, one zip",
    "zip_named": "  with names and keys",
    "check": "etl check, whole process",
}
TARGET = "at most 2 x"


def pretty(row: dict[str, object]) -> str:
    """Return a record as Spotify writes it, indented by two."""
    fields = json.dumps(row, ensure_ascii=False, separators=(",\n    ", ": "))
    return f"  {{\n    {fields[1:-1]}\n  }}"


def damaged(row: dict[str, object]) -> tuple[list[str], list[str]]:
    """Return a record in four bad forms, and the form of each that DuckDB can read."""
    sound = pretty(row)
    wrong_type = pretty({**row, "ms_played": {"value": row["ms_played"]}})
    nan = sound.replace('"incognito_mode": false', '"incognito_mode": NaN')
    half = sound.replace('"platform": "', '"platform": "\\ud83d')
    breaks_off = sound[: len(sound) // 2]
    return [wrong_type, nan, half, breaks_off], [wrong_type, nan, sound, sound]


def write_history(
    folder: Path, for_duckdb: Path, plays: int = PLAYS, seed: int = SEED, *, rows: int = SPOTIFY_ROWS
) -> int:
    """Write the history into both folders, and return how many bad rows our folder has: two in every tenth file."""
    history = spotify(plays, seed)
    number = bad = 0
    while part := list(islice(history, rows)):
        name = f"Streaming_History_Audio_{str(part[0]['ts'])[:4]}_{number}.json"
        records = [pretty(row) for row in part]
        theirs = list(records)
        if number % TENTH == 0 and len(part) > 2:
            for place in (len(part) // 3, 2 * len(part) // 3):
                forms, passable = damaged(part[place])
                records[place], theirs[place] = forms[bad % len(forms)], passable[bad % len(forms)]
                bad += 1
        path = folder / name
        path.write_text(document(records), encoding="utf-8")
        if theirs == records:
            os.link(path, for_duckdb / name)
        else:
            (for_duckdb / name).write_text(document(theirs), encoding="utf-8")
        number += 1
    return bad


def document(records: Sequence[str]) -> str:
    """Return a file of ``records``."""
    return "[\n" + ",\n".join(records) + "\n]"


@contextmanager
def prepared(folder: Path | None, plays: int) -> Iterator[Path]:
    """Yield a folder with the history, DuckDB's copy and the zip; a ``folder`` that is given is kept and reused."""
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="etl-bench-") as temporary:
            prepare(Path(temporary), plays)
            yield Path(temporary)
        return
    if not (folder / "about.json").exists():
        folder.mkdir(parents=True)
        prepare(folder, plays)
    yield folder


def prepare(folder: Path, plays: int) -> None:
    """Write everything to read into the empty ``folder``."""
    print(f"writing {plays:,} plays", file=sys.stderr)
    for name in ("files", "duckdb"):
        (folder / name).mkdir()
    bad = write_history(folder / "files", folder / "duckdb", plays)
    with zipfile.ZipFile(folder / "my_spotify_data.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted((folder / "files").iterdir()):
            archive.write(path, f"Spotify Extended Streaming History/{path.name}")
    (folder / "about.json").write_text(json.dumps({"plays": plays, "bad": bad}), encoding="utf-8")


def run_round(etl: str, folder: Path) -> dict[str, Any]:
    """Read everything once, DuckDB's reading between ours; return the numbers by line, as in the result file."""
    files, archive = str(folder / "files"), str(folder / "my_spotify_data.zip")
    measured = {
        "ours": _step(timed(module("readers", "ours", files))),
        "duckdb": _step(timed(module("readers", "duckdb", str(folder / "duckdb")))),
        "zip": _step(timed(module("readers", "ours", archive))),
        "check": _whole(timed((etl, "check", "--json", files))),
    }
    named = {f"{name}_named": {**measured[name], "seconds": measured[name]["normalized"]} for name in ("ours", "zip")}
    return measured | named


def _step(process: Process) -> dict[str, Any]:
    """Return the numbers of a reader: those of the reading itself, and those of its process."""
    if process.exit_code:
        raise SystemExit(f"a reader ended with {process.exit_code}:\n{process.stderr}")
    return {**json.loads(process.stdout), **_process(process)}


def _whole(process: Process) -> dict[str, Any]:
    counts = json.loads(process.stdout)["counts"]
    own = {"seconds": process.seconds, "records": counts["records"], "rejected": counts["rejected"]}
    return {**own, **_process(process)}


def _process(process: Process) -> dict[str, float]:
    return {"process": process.seconds, "cpu": process.cpu, "peak_mb": process.peak_mb}


def remarks(measured: dict[str, Any], about: dict[str, int]) -> list[str]:
    """Return the reasons why a round's numbers cannot be compared: a reader missed a row, or changed one."""
    found = []
    for name, title in TITLES.items():
        expected = {"records": about["plays"]} | ({} if name == "duckdb" else {"rejected": about["bad"]})
        found += [
            f"{title}: {count} is {measured[name].get(count)} instead of {value}"
            for count, value in expected.items()
            if measured[name].get(count) != value
        ]
    return found


def summarize(rounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the spread of each line and of its ratio to DuckDB in the same round; processes to DuckDB's process."""
    summary = {}
    for name in TITLES:
        own = [each[name] for each in rounds]
        floor = "process" if name == "check" else "seconds"
        summary[name] = {
            "seconds": spread([each["seconds"] for each in own]),
            "ratio": spread([each[name]["seconds"] / each["duckdb"][floor] for each in rounds]),
            "cpu": median(each["cpu"] for each in own),
            "peak_mb": max(each["peak_mb"] for each in own),
            "target": TARGET if name == "ours" else "",
        }
    return summary


def table(summary: dict[str, Any]) -> str:
    """Return the summary as text, one line per reader."""
    head = f"{'seconds':<26}{'min':>8}{'median':>8}{'max':>8}{'x DuckDB':>10}{'CPU':>8}{'peak MB':>9}  target"
    lines = [head]
    for name, title in TITLES.items():
        line = summary[name]
        lines.append(
            f"{title:<26}"
            + "".join(f"{line['seconds'][what]:8.2f}" for what in ("min", "median", "max"))
            + f"{line['ratio']['median']:10.2f}{line['cpu']:8.2f}{line['peak_mb']:9.0f}  {line['target']}".rstrip()
        )
    return "\n".join(lines)


def main() -> None:
    """Measure, print the table, write the result file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reading", description="Compare reading with DuckDB.")
    parser.add_argument("--rounds", type=int, default=5, help="the first is a warm-up, unless it is the only one")
    parser.add_argument("--plays", type=int, default=PLAYS)
    parser.add_argument("--folder", type=Path, help="where the history is kept for the next time; default: nowhere")
    parser.add_argument("--etl", default=str(Path(sys.executable).with_name("etl")), help="the command to measure")
    args = parser.parse_args()
    if args.rounds < 1:
        parser.error("--rounds must be at least 1")
    started = datetime.now(UTC)
    rounds = []
    with prepared(args.folder and args.folder.resolve(), args.plays) as folder:
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        needed(args.etl, "--version")
        for number in range(1, args.rounds + 1):
            rounds.append(run_round(args.etl, folder))
            figures = ", ".join(f"{name} {rounds[-1][name]['seconds']:.2f} s" for name in TITLES)
            print(f"round {number} of {args.rounds}: {figures}", file=sys.stderr)
    summary = summarize(rounds[1:] or rounds)
    where = machine()
    print(table(summary))
    print(f"{where['cores']} cores, load {where['load'][0]:.1f}, {about['plays']:,} plays, {about['bad']} of them bad")
    for remark in dict.fromkeys(remark for each in rounds for remark in remarks(each, about)):
        print(f"not comparable: {remark}")
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"reading-{started:%Y%m%dT%H%M%SZ}.json"
    result = {"started": started.isoformat(), "machine": where, "about": about, "summary": summary, "rounds": rounds}
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
