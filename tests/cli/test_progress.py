"""Progress fits the terminal, is erased at the end, and appears only on a terminal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.cli.progress_line import State, format_duration, line
from etl.core.progress import Count
from tests.cli.program import SAMPLES, etl, sent_to_terminal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import LoadedSamples

NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"
STEPS = ("start", "discover", "connect", "extract", "compare", "look_up", "load", "account")


def screen(columns: int, sent: str) -> list[str]:
    """Return the lines that a terminal shows after the whole output."""
    terminal = pyte.Screen(columns, 200)
    pyte.Stream(terminal).feed(sent)
    return [text.rstrip() for text in terminal.display if text.strip()]


def state(step: str, done: int, total: int, at: float = 3.0) -> State:
    counts = dict.fromkeys(Count, done)
    return State(0.0, step, counts, {Count.FILES: total, Count.LISTENS: total, Count.KEYS: total}, at)


# --- the line ------------------------------------------------------------------------------------------------


@given(st.sampled_from(STEPS), st.integers(0, 10**9), st.integers(1, 10**9), st.floats(0, 1e6), st.integers(20, 200))
def test_line_is_never_wider_than_the_terminal(step: str, done: int, total: int, now: float, width: int) -> None:
    assert 0 < len(line(state(step, min(done, total), total), now, width)) <= width


def test_line_on_wide_terminal_shows_everything() -> None:
    shown = line(state("load", 20_000, 50_000, at=4.0), 4.0, 140)
    assert shown.split("  ") == [
        "loading",
        "━" * 12 + "─" * 18,
        " 40 %",
        "20,000 of 50,000 listens",
        "20,000 of 50,000 keys",
        *shown.split("  ")[5:-1],
        "6 s left",
    ]
    assert "5,000 listens/s" in shown
    assert "7 of 9 files" in line(state("extract", 7, 9), 3.0, 140)


@pytest.mark.parametrize("width", [40, 60, 80, 100, 140])
def test_line_on_narrow_terminal_keeps_the_most_important(width: int) -> None:
    shown = line(state("load", 20_000, 50_000, at=4.0), 4.0, width)
    assert all(text in shown for text in ("loading", "━━━", "40 %", "6 s left"))
    assert ("listens/s" in shown) == (width >= 140)


def test_time_left_counts_down_between_batches() -> None:
    half = state("load", 500, 1_000, at=10.0)
    assert [line(half, now, 60)[-9:] for now in (10.0, 13.0)] == ["10 s left", " 7 s left"]
    assert "left" not in line(half, 30.0, 60)
    assert "5 min left" in line(state("load", 500, 1_000, at=300.0), 300.0, 60)


def test_format_duration() -> None:
    assert [format_duration(seconds) for seconds in (0.2, 45, 600, 7_800)] == ["1 s", "45 s", "10 min", "2 h 10 min"]


def test_line_of_a_backfill_has_its_own_estimate() -> None:
    asking = State(0.0, "backfill", {**dict.fromkeys(Count, 0), Count.ENTITIES: 7}, {Count.ENTITIES: 10}, 3.0, 90.0)
    assert line(asking, 3.0, 80).split("  ")[2:] == [" 70 %", " 7 of 10 entities", "at most 2 min left"]


def test_line_has_no_estimate_in_the_first_second() -> None:
    shown = line(state("load", 1, 1_000_000, at=0.5), 0.6, 140)
    assert "left" not in shown
    assert "/s" not in shown


def test_line_is_ascii_on_non_utf8_terminal() -> None:
    assert line(state("load", 1, 2), 3.0, 60, is_unicode=False).isascii()


# --- on a terminal -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_bar_redraws_one_line_and_is_erased(columns: int, database: str, tmp_path: Path) -> None:
    code, sent = sent_to_terminal(columns, "run", str(SAMPLES), "--dsn", database, home=tmp_path)
    assert code == 0
    drawn = re.findall(r"(?:^|[\nK])((?:starting|connecting|reading|loading)[^\r\n\x1b]*)\r\x1b\[K", sent)
    assert drawn
    assert max(map(len, drawn)) < columns
    last = screen(columns, sent)
    assert not any(text.startswith(("starting", "reading", "loading", "checking")) for text in last)
    assert any(text.startswith("complete: ") for text in last)
    assert "\x1b[32mcomplete\x1b[0m" in sent


def test_interrupted_run_leaves_a_clean_terminal_and_a_hint(database: str, tmp_path: Path) -> None:
    env = {"ETL_FAULT": "before_enrichment:1:SIGINT"}
    code, sent = sent_to_terminal(60, "run", str(SAMPLES), "--dsn", database, home=tmp_path, env=env)
    last = screen(60, sent)
    assert code == 130
    reported = " ".join(" ".join(last).split())
    assert "interrupted: " in reported
    assert "run the same command again" in reported
    assert "error" not in sent
    assert not any(text.startswith(("starting", "reading", "loading", "checking")) for text in last)


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_error_on_terminal_has_its_hint_in_lines_of_its_own(columns: int, tmp_path: Path) -> None:
    code, sent = sent_to_terminal(columns, "runs", "show", home=tmp_path)
    shown = screen(columns, sent)
    assert code == 4
    assert shown[0].startswith("etl: error: there are no runs")
    assert any(text.startswith("     Load something first") for text in shown)
    assert "etl: \x1b[31merror\x1b[0m: " in sent


@pytest.mark.parametrize("arguments", [["run", str(SAMPLES)], ["runs", "show"]], ids=" ".join)
def test_no_color_disables_colours(arguments: list[str], database: str, tmp_path: Path) -> None:
    _, sent = sent_to_terminal(80, *arguments, home=tmp_path, env={"NO_COLOR": "1", "ETL_DSN": database})
    assert "error" in sent or "complete" in sent
    assert re.findall(r"\x1b\[[0-9;]*[34][0-9;]+m", sent) == []


@pytest.mark.parametrize(
    "arguments",
    [["run", str(SAMPLES)], ["check", str(SAMPLES)], ["runs", "show", "none"], ["run", "--max-rejects", "x"]],
    ids=lambda words: words[0],
)
def test_colours_can_be_read_on_dark_and_white_terminals(arguments: list[str], database: str, tmp_path: Path) -> None:
    """Red, green, magenta and bold can; yellow, white and faint text cannot on white, blue cannot on black."""
    _, sent = sent_to_terminal(80, *arguments, home=tmp_path, env={"ETL_DSN": database})
    assert set(re.findall(r"\x1b\[([0-9;]*)m", sent)) <= {"0", "1", "31", "32", "35"}


# --- elsewhere -----------------------------------------------------------------------------------------------


def test_no_progress_without_a_terminal(loaded: LoadedSamples) -> None:
    assert "\r" not in loaded.done.err
    assert "\x1b" not in loaded.done.out + loaded.done.err
    assert "loading" not in loaded.done.err


def test_plain_progress_has_a_line_per_counting_step(database: str, tmp_path: Path) -> None:
    done = etl("run", SAMPLES / "maloja", "--dsn", database, "--progress", "plain", home=tmp_path)
    reported = [text for text in done.err.splitlines() if text.startswith(("etl: reading: ", "etl: loading: "))]
    assert len(reported) == 2
    manifest = etl("runs", "show", "--json", home=tmp_path).json
    counts = manifest["counts"]
    assert reported[0].startswith(f"etl: reading: {len(manifest['files'])} of {len(manifest['files'])} files, ")
    assert f"{counts['records']} rows" in reported[0]
    assert (
        f"{counts['inserted']} of {counts['inserted']} listens, {counts['keys']} of {counts['keys']} keys"
        in reported[1]
    )


@pytest.mark.parametrize("wanted", [["--progress", "none"], ["--log-format", "json"]], ids=" ".join)
def test_no_progress_with_progress_none_or_json_log(wanted: list[str], tmp_path: Path) -> None:
    _, sent = sent_to_terminal(80, "run", str(SAMPLES), "--dsn", NOWHERE, *wanted, home=tmp_path)
    assert "Connection refused" in sent
    assert "\x1b[K" not in sent
