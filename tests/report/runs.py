"""Run directories as a run leaves them, made without a database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from etl.core.schema import (
    KEYS,
    LIKELY_DOUBLES,
    LISTENS,
    OUTCOME,
    REJECTS,
    SKIPPED,
    TIME,
    FileStatus,
    RunStatus,
    conform,
    empty,
)
from etl.runs import accounting
from etl.runs.directory import create_run, versions
from tests.helpers.frames import NOW, Row, listens

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from etl.runs.directory import RunDirectory

HOSTILE = (
    "<script>alert(1)</script>",
    '"onload="alert(1)',
    "'><img src=x onerror=alert(1)>",
    "</style><script>alert(1)</script>",
    "[bold red]markup[/bold red] [link=http://example.org]x[/link]",
    "{{ 7 * 7 }}{% include 'style.css' %}",
    "\x1b[31mred\x1b]0;title\x07",
    "abc\u202egnp.exe\u2066",
    "]]><!-- &amp; &#x3c;",
    "no character: \ufffe\uffff",
    "مرحبا بالعالم",
    "夜明け 🐝",
)
IDS = pl.Schema({name: KEYS[name] for name in KEYS if name not in ("listens", "spellings")})
PAIRS = pl.Schema([("track_id", pl.Int32), ("listened_at", TIME)])


def make_run(
    runs: Path,
    rows: Sequence[Row] = (),
    skipped: Sequence[tuple[object, ...]] = (),
    rejects: Sequence[tuple[object, ...]] = (),
    file: str = "export.json",
    **changes: object,
) -> RunDirectory:
    """Return a run whose listens (see ``tests.helpers.frames``) were all inserted; ``changes`` are made to run.json."""
    run = create_run(runs, "auto", NOW)
    frame = listens(*rows, file=file) if rows else empty(LISTENS)
    spelled = accounting.spellings(accounting.spelled(frame))
    ids = pl.DataFrame(
        [(key, "resolved", None, place, place, place) for place, key in enumerate(spelled["lookup_key"], start=1)],
        IDS,
        orient="row",
    )
    keys = accounting.make_keys(spelled, ids)
    inserted = frame.join(keys.select("lookup_key", "track_id"), on="lookup_key").select(*PAIRS)
    outcome = accounting.make_outcome(frame, keys, inserted, empty(PAIRS))
    if outcome.height:
        first = pl.int_range(pl.len()) == 0
        outcome = conform(
            outcome.with_columns(double_of=pl.when(first).then(pl.lit(f"{HOSTILE[0]}:1")).otherwise("double_of")),
            OUTCOME,
        )
    skips = pl.DataFrame(list(skipped), SKIPPED, orient="row")
    broken = pl.DataFrame(list(rejects), REJECTS, orient="row")
    frames = {"listens": conform(frame, LISTENS), "keys": keys, "outcome": outcome, "skipped": skips, "rejects": broken}
    for name, one in frames.items():
        run.write_frame(name, one)
    if outcome.height:
        run.write_frame("likely_doubles", _doubles(outcome, frame))
    run.write_manifest({**_manifest(run, file, skips, broken, outcome, keys), **changes})
    return run


def _doubles(outcome: pl.DataFrame, frame: pl.DataFrame) -> pl.DataFrame:
    """Return the first listen as a double of another row, and a skipped one as a double of a listen of the database."""
    first = frame.head(1).select(
        *("file", "row", "listened_at", "artist", "track"),
        service=pl.lit(HOSTILE[1]),
        double_of=pl.lit(outcome.item(0, "double_of")),
        of_listened_at="listened_at",
        of_artist="artist",
        of_track="track",
        of_service=pl.lit(HOSTILE[2]),
        seconds_apart=pl.lit(3, pl.Int64),
        evidence=pl.lit(f"{HOSTILE[2]}, 3 s apart (both times are starts)"),
    )
    skipped = first.with_columns(
        row=pl.lit(801, pl.Int32), double_of=pl.lit("database!7:1500001180"), of_track=pl.lit(f"{HOSTILE[3]} 7")
    )
    return conform(pl.concat([first, skipped]), LIKELY_DOUBLES)


def _manifest(
    run: RunDirectory,
    file: str,
    skipped: pl.DataFrame,
    rejects: pl.DataFrame,
    outcome: pl.DataFrame,
    keys: pl.DataFrame,
) -> dict[str, Any]:
    counts = accounting.count(skipped, rejects, accounting.tally(outcome, keys), keys)
    one = {"sha256": "0", "format": "maloja-export", "status": str(FileStatus.LOADED), "reason": ""}
    return {
        "run_id": run.run_id,
        "run_dir": str(run.path),
        "status": str(RunStatus.COMPLETE),
        "exit_code": 0,
        "error": None,
        "counts": counts,
        "skipped_by_reason": accounting.by_reason(skipped),
        "rejected_by_reason": accounting.by_reason(rejects),
        "created": {"artists": 1, "albums": 1, "tracks": 2},
        "timings": {"discover": 0.0112, "look_up": 1.5, "load": 0.25},
        "files": [{"path": file, **one, "counts": counts}],
        "imbalances": [],
        "likely_doubles": outcome.get_column("double_of").count(),
        "account_twins": 0,
        "other_user": 0,
        "texts_cleaned": 0,
        "retries": 0,
        "started_at": NOW.isoformat(),
        "finished_at": NOW.isoformat(),
        "dsn": "embedded",
        "settings": {"source": "auto", "user": None, "workers": 2, "dry_run": False},
        "versions": versions(),
    }


def hostile_run(runs: Path) -> RunDirectory:
    """Return a run whose every text is hostile: names, paths, reasons, details."""
    rows: list[Row] = []
    for place, text in enumerate(HOSTILE):
        rows += [
            {"artist": text, "track": f"{text} {place}", "album": text, "listened_at": NOW.replace(year=2010 + place)},
            {
                "artist": text,
                "track": f"{text.upper()} {place}",
                "album": text,
                "listened_at": NOW.replace(year=2023, month=7),
            },
        ]
    path = f"{HOSTILE[0]}/{HOSTILE[7]}!{HOSTILE[1]}"
    rejects = [(path, 900 + place, 0, 1, "bad_time", text, None) for place, text in enumerate(HOSTILE)]
    return make_run(
        runs,
        [{**row, "row": place} for place, row in enumerate(rows, start=1)],
        skipped=[(path, 800, "podcast")],
        rejects=rejects,
        file=path,
        error=f"{HOSTILE[6]}\n{HOSTILE[0]}",
        imbalances=[HOSTILE[2]],
        settings={"source": HOSTILE[3], "artist_separators": HOSTILE[5]},
        dsn=HOSTILE[8],
    )
