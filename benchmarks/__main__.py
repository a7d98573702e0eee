"""``python -m benchmarks`` measures all suites, prints their tables and writes the numbers into ``results/``.

The exit status is 0 whatever the numbers are; any other status means that nothing could be measured.
``--against REVISION`` also measures that revision's program, in the same rounds, each with its own floor.
``--quick`` measures the loads of the headline history in few rounds, and names what has become slower: for CI.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measure import ETL, ROOT, machine, module, needed, running_server, save
from benchmarks.suite import Bench, Sample, Suite, as_json, summarize, table
from benchmarks.suites import SUITES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

HERE = "here"
OTHERS = {"reading": "reading a million plays, and DuckDB", "submit": "one live listen, and a bare INSERT"}
"""Benchmarks with their own table, which do not load files."""
QUICK = ("headline", "sqlite")
QUICK_ROUNDS = 4
SLOWER = 1.25
"""``slower`` names a line whose ratio is more than so many times that of the other revision."""


def measured(suite: Suite, benches: Mapping[str, Bench], rounds: int) -> dict[str, list[Mapping[str, Sample]]]:
    """Measure a suite in ``rounds`` rounds; return the samples of each round, by revision."""
    found: dict[str, list[Mapping[str, Sample]]] = {revision: [] for revision in benches}
    for number in range(1, rounds + 1):
        for revision, bench in benches.items():
            samples = suite.round(bench)
            found[revision].append(samples)
            figures = ", ".join(f"{name} {sample.seconds:.2f}" for name, sample in samples.items())
            print(f"{suite.name}, {revision}, round {number} of {rounds}: {figures}", file=sys.stderr)
    return found


def compared(ours: Mapping[str, Any], theirs: Mapping[str, Any], revision: str) -> str:
    """Return a table of the lines of two revisions: the ratio of each to its baseline, and ours divided by theirs."""
    lines = [f"{'medians:':<36}{revision[:10]:>10}{HERE:>10}{'here / it':>10}"]
    for name, line in ours.items():
        what = "ratio" if line["ratio"] else "seconds"
        before, now = theirs[name][what]["median"], line[what]["median"]
        lines.append(f"{line['title']:<36}{before:>10.2f}{now:>10.2f}{now / before:>10.2f}  {what}")
    return "\n".join(lines)


def slower(ours: Mapping[str, Any], theirs: Mapping[str, Any], revision: str) -> list[str]:
    """Return a sentence for each line whose ratio to its baseline is more than SLOWER times that of ``revision``."""
    found = []
    for name, line in ours.items():
        if line["ratio"] and theirs[name]["ratio"]:
            times = line["ratio"]["median"] / theirs[name]["ratio"]["median"]
            if times > SLOWER:
                found.append(f"slower: {line['title']} takes {times:.2f} times as long as at {revision}")
    return found


def compile_program(tree: Path) -> None:
    """Compile the program in ``tree``, so that no measured process does it (PYTHONDONTWRITEBYTECODE: each would)."""
    needed(sys.executable, "-m", "compileall", "-q", str(tree / "etl"))


@contextmanager
def program_of(revision: str) -> Iterator[tuple[str, ...]]:
    """Yield the command that runs the program at ``revision``, with the packages that are installed here."""
    with tempfile.TemporaryDirectory(prefix="etl-bench-revision-") as folder:
        tree = Path(folder) / "tree"
        git = shutil.which("git") or "git"
        needed(git, "-C", str(ROOT), "worktree", "add", "--detach", "--quiet", str(tree), revision)
        try:
            compile_program(tree)
            start = (
                f"import sys; sys.path.insert(0, {str(tree)!r}); sys.argv[0] = 'etl'; from etl.cli import main; main()"
            )
            yield (sys.executable, "-c", start)
        finally:
            subprocess.run([git, "-C", ROOT, "worktree", "remove", "--force", tree], check=False)


def report(suite: Suite, found: Mapping[str, list[Mapping[str, Sample]]], started: datetime) -> None:
    """Print the tables of a suite and save its numbers."""
    summaries = {revision: summarize(suite, rounds) for revision, rounds in found.items()}
    print(f"\n{suite.name}: {suite.about}")
    print(table(summaries[HERE]))
    for revision, summary in summaries.items():
        if revision != HERE:
            print(
                "\n".join([compared(summaries[HERE], summary, revision), *slower(summaries[HERE], summary, revision)])
            )
    rounds = {revision: as_json(samples) for revision, samples in found.items()}
    print(save(suite.name, started, {"machine": machine(), "summary": summaries, "rounds": rounds}))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the suites given on the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Compare etl with what it could be.")
    known = (*SUITES, *OTHERS)
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=f"default: all of {', '.join(known)}")
    parser.add_argument("--rounds", type=int, help="the first is a warm-up, unless it is the only one")
    parser.add_argument("--home", type=Path, help="of the benchmarks alone: emptied; default: a temporary one")
    parser.add_argument("--folder", type=Path, help="where histories are kept for the next time; default: nowhere")
    parser.add_argument("--etl", default=ETL, help="the command to measure")
    parser.add_argument("--against", metavar="REVISION", help="measure this revision too, in the same rounds")
    parser.add_argument("--quick", action="store_true", help=f"{' and '.join(QUICK)} in {QUICK_ROUNDS} rounds")
    parser.add_argument("--largest", type=int, default=1_000_000, help="plays in the largest history of `growth`")
    args = parser.parse_args(arguments)
    if unknown := set(args.suites) - set(known):
        parser.error(f"{', '.join(sorted(unknown))}: no such suite; there are {', '.join(known)}")
    if args.rounds is not None and args.rounds < 1:
        parser.error("--rounds must be at least 1")
    if shutil.which(args.etl) is None:
        parser.error(f"{args.etl} is not a command: install the package, or give --etl")
    wanted = args.suites or (QUICK if args.quick else known)
    with tempfile.TemporaryDirectory(prefix="etl-bench-") as temporary:
        folder = args.folder.resolve() if args.folder else Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        suites = [SUITES[name] for name in SUITES if name in wanted]
        compile_program(ROOT)
        with ExitStack() as stack:
            home, uri = stack.enter_context(running_server((args.etl,), args.home and args.home.resolve()))
            benches = {HERE: Bench((args.etl,), home, uri, folder, args.largest)}
            if args.against:
                program = stack.enter_context(program_of(args.against))
                home, uri = stack.enter_context(running_server(program, None))
                benches = {args.against: Bench(program, home, uri, folder, args.largest), **benches}
            for suite in suites:
                started = datetime.now(UTC)
                rounds = args.rounds or (QUICK_ROUNDS if args.quick else suite.rounds)
                report(suite, measured(suite, benches, rounds), started)
    for name, about in OTHERS.items():
        if name in wanted:
            rounds = ("--rounds", str(args.rounds)) if args.rounds else ()
            print(f"\n{name}: {about}\n{needed(*module(name, '--etl', args.etl, *rounds))}")


if __name__ == "__main__":
    main()
