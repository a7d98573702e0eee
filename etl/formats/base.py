"""Defines ``Format``, the contract between a format and the rest of the program, and the steps that formats share.

A format is data: how to recognise a file, how to read it, and what to tell users about it. A broken row never makes
reading fail. Instead, three columns of ``EXTRACTED`` give the outcome of a row:

* ``skip``: a ``SkipReason`` if the row is sound but not a listen, such as a podcast.
* ``reject``: a ``RejectReason`` if the row is broken, such as one without a time.
* ``detail``: for users, what is wrong with a broken row, such as the text that is not a time; may be null.

All three are null for a listen. ``finish`` drops ``reject`` and ``detail`` of a skipped row: a row that would not be
loaded anyway is not reported as broken.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from fnmatch import translate
from functools import cache, cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec
import polars as pl

from etl.core.reasons import RejectReason
from etl.core.schema import EXTRACTED, NAMES, conform
from etl.normalize.durations import TEN_YEARS
from etl.parsers.records import DETAIL_CHARS
from etl.parsers.workbook import is_workbook, sheet_names

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from etl.formats.page_totals import FirstPlay, PageTotals
    from etl.parsers import Broken, Layout

PEEK_BYTES = 64 * 1024
PEEKS = 16  # size of a cache of peeks: more than the files that are recognised at the same time
FIRST_LINES = 20  # of a table, by which it is recognised
IN_ORDER: Literal["in-memory"] = "in-memory"  # the engine of Polars that keeps rows in order
LASTFM_FOUNDED = datetime(2002, 10, 1, tzinfo=UTC)
FIRST_SECOND = -62_135_596_800  # 0001-01-01T00:00:00Z
LAST_SECOND = 253_402_300_799  # 9999-12-31T23:59:59Z: PostgreSQL can store later times, datetime cannot

_FEW = 32  # lists of names that Polars converts at once
_JSON_KEY = re.compile(rb'"([^"\\]{1,80})"\s*:')
_ANY_TIME = r"^\s*(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(\.\d+)?\s*([Zz]|[+-]\d{2}:?\d{2})?\s*$"


class Peek(msgspec.Struct, frozen=True, dict=True):
    """The name and the beginning of a file, by which its format is recognised."""

    name: str
    """The base name, as given."""
    head: bytes
    """Up to 64 KiB of its beginning, as UTF-8 without a byte order mark."""
    shape: str
    """"[" or "{" if the text begins like JSON, else ""."""
    keys: frozenset[str]
    """The JSON keys in ``head``, found without parsing it: broken records do not matter."""
    sheets: tuple[str, ...] = ()
    """The names of the sheets, if the file is an Excel workbook."""

    def lines(self, most: int | None = None) -> list[str]:
        """Return the lines of ``head``, at most ``most``, without carriage returns and blank lines."""
        lines = self.head.decode("utf-8", "replace").split("\n")[:most]
        return [line.rstrip("\r") for line in lines if line.strip(" \r")]

    @cached_property
    def first_lines(self) -> Sequence[str]:
        """The first lines of the file, as ``lines`` returns them."""
        return tuple(self.lines(FIRST_LINES))


class Companions(NamedTuple):
    """The companion files next to an export."""

    files: tuple[tuple[str, bytes], ...] = ()
    """The name of each ``Companion``, and the bytes of the file."""
    digest: str = ""
    """Distinguishes these from other files; may be empty."""


NO_COMPANIONS = Companions()


class ReadOptions(msgspec.Struct, frozen=True):
    """The options that change which rows a reader keeps, or their content: settings, and files next to an export."""

    spotify_plays: Literal["heard", "trackdone"] = "heard"
    spotify_time: Literal["end", "start"] = "end"
    timezone: str | None = None
    """The IANA name of the zone of times that a file gives without one; ``None`` takes them as UTC."""
    companions: Companions = NO_COMPANIONS


class Scan(NamedTuple):
    """A file's rows, and the locations of the broken ones that its decoder found."""

    rows: pl.DataFrame
    """Schema EXTRACTED."""
    locations: pl.DataFrame
    """Schema LOCATIONS."""


class Companion(msgspec.Struct, frozen=True):
    """One kind of file that has no listens itself, but completes those of an export next to it."""

    name: str
    source: str
    title: str
    """The display name."""
    file_names: tuple[str, ...]
    """Patterns of its names, and of the archives that contain it. Only files with the same endings are tried."""
    recognise: Callable[[Peek], bool]
    """Says whether a file is of this kind. No format may recognise such a file."""
    check: Callable[[bytes], object]
    """Raises ``BrokenFileError`` for a file that cannot be read."""


class Format(msgspec.Struct, frozen=True):
    """One kind of export file that this program loads."""

    name: str
    """The source and the kind of file: "lastfm-csv"."""
    source: str
    """The service that recorded the listens, as ``--source`` has it."""
    title: str
    """The display name."""
    file_names: tuple[str, ...]
    """Patterns of its names. They decide only if the content does not, as in an empty list."""
    how_to_get: str
    """How a user gets such a file from the service."""
    sample: str
    """A folder below ``data/samples``."""
    recognise: Callable[[Peek], bool]
    """Says whether a file is of this format. At most one format may recognise a file."""
    read: Callable[[bytes, ReadOptions], pl.DataFrame]
    """Returns ``EXTRACTED``, one row per record, in the file's order. Raises ``BrokenFileError`` for the whole file."""
    layout: Layout
    """Finds the records of a file again. It names the fields that are read: no other field leaves the file."""
    earliest: datetime
    """When the service began. An earlier time is a wrong clock, so the row is rejected."""
    client: str | None
    """The client that ``read`` gives to every listen; ``None`` if the file names one for each listen.

    Koito stores it, so it shows that a listen in the database comes from ``source``.
    """
    preference: int
    """Of two likely doubles, the one of the source with the lower number stays; the same in all formats of a source.

    Sources that record when a play began, and know most about it, have the lowest numbers.
    """
    clock: Literal["start", "end"] = "start"
    """Whether ``read`` returns the start or the end of a play as its time; the same in all formats of a source.

    A source of ends also records how long each play was, from which the comparison computes when it may have begun.
    """
    service: str = ""
    """The service's display name, if it is not ``source`` with a capital letter: "Last.fm"."""
    caveat: str = ""
    """What users should know before they load such a file, such as a better export. It follows the title."""
    companions: tuple[Companion, ...] = ()
    """The files next to the export that ``read`` uses: they are in its ``ReadOptions``."""
    scan: Callable[[bytes, ReadOptions], Scan] | None = None
    """Like ``read``, but also returns the locations of broken rows, so that the file need not be split again."""
    totals: Callable[[bytes], Sequence[PageTotals | FirstPlay]] | None = None
    """Returns what the pages of a file state about the whole history."""


class Refusal(msgspec.Struct, frozen=True):
    """One kind of file that is recognised but not loaded, and what to do instead."""

    name: str
    source: str | None
    """The service; None for a file of no service."""
    title: str
    recognise: Callable[[Peek], bool]
    advice: str
    harmless: bool = False
    """Whether it is not an error next to other files, because a user would not expect it to be loaded."""
    file_names: tuple[str, ...] = ()
    """Patterns of its names that begin with a dot, so that such a file is not treated as hidden."""
    quote: Callable[[Peek], str] = lambda _: ""
    """Returns a text from the file itself, to follow the title."""
    advise: Callable[[Peek], str] | None = None
    """Gives advice about one file, instead of ``advice`` about all of the kind."""

    def reason(self, peek: Peek) -> str:
        """Return why the file is not loaded, and what to do, as a message to the user."""
        return f"{self.title}{self.quote(peek)}. {self.advice_for(peek)}"

    def advice_for(self, peek: Peek) -> str:
        """Return what to do instead with the file of ``peek``."""
        return self.advise(peek) if self.advise else self.advice


class Package(msgspec.Struct, frozen=True):
    """A download that contains private files next to the history."""

    source: str
    private: tuple[str, ...]
    """Patterns of the names of files that are never opened. One with a slash includes the folder."""
    histories: tuple[str, ...]
    """Patterns of the names of the history files in such a download."""
    advice: str
    """What to do about a download without a history."""


def peek_at(name: str, head: bytes) -> Peek:
    """Return the ``Peek`` of a file from its name and its beginning, which may end anywhere.

    An Excel workbook must be complete: a zip lists its files at its end.
    """
    if is_workbook(head):
        return Peek(name, head[:PEEK_BYTES], "", frozenset(), sheet_names(head))
    head = head[:PEEK_BYTES]
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = head.decode("utf-16", "ignore").encode("utf-8", "ignore")
    else:
        text = head.removeprefix(b"\xef\xbb\xbf")
    shape = text.lstrip()[:1].decode("ascii", "replace")
    keys = frozenset(key.decode("utf-8", "replace") for key in _JSON_KEY.findall(text))
    return Peek(name, text, shape if shape in {"[", "{"} else "", keys)


def name_matches(name: str, patterns: Sequence[str]) -> bool:
    """Say whether ``name`` matches one of the glob ``patterns``, ignoring case."""
    return _any_of(tuple(patterns)).match(name.lower()) is not None


@cache  # one entry per format
def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(translate(pattern.lower()) for pattern in patterns) or r"(?!)")


def first_reason(rules: Sequence[tuple[pl.Expr, str]]) -> pl.Expr:
    """Return the reason of the first of ``rules`` (condition, reason) whose condition holds, else null."""
    return pl.coalesce(
        [pl.when(holds).then(pl.lit(str(reason))) for holds, reason in rules] + [pl.lit(None, pl.String)]
    )


def is_blank(column: str) -> pl.Expr:
    """Say whether a text column is null or blank."""
    return pl.col(column).is_null() | (pl.col(column).str.strip_chars() == "")


def quoted(text: pl.Expr) -> pl.Expr:
    """Return ``text`` in quotation marks, shortened to fit into a detail."""
    return pl.format('"{}"', text.str.slice(0, DETAIL_CHARS))


def utc_times(texts: pl.Series) -> pl.Series:
    """Read RFC 3339 times, and "YYYY-MM-DD HH:MM:SS" as UTC. Null for other texts, and outside the years 1 to 9999."""
    times = texts.str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us", strict=False).dt.replace_time_zone("UTC")
    if times.null_count() > texts.null_count():
        part = [texts.str.replace(_ANY_TIME, f"${number}") for number in (1, 2, 3, 4)]
        zone = part[3].replace(["", "Z", "z"], "+00:00")
        is_time = texts.str.contains(_ANY_TIME)
        uniform = (part[0] + "T" + part[1] + part[2] + zone).zip_with(is_time, pl.Series([None], dtype=pl.String))
        other = uniform.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", time_unit="us", time_zone="UTC", strict=False)
        times = times.zip_with(times.is_not_null(), other)
    fits = times.to_physical().is_between(FIRST_SECOND * 1_000_000, (LAST_SECOND + 1) * 1_000_000, closed="left")
    return times if fits.all() else times.set(~fits, None)


def epoch_times(values: Sequence[float | None]) -> pl.Series:
    """Turn Unix seconds into times. Null if the number is null, negative, or after the year 9999."""
    seconds = pl.Series("listened_at", values, dtype=pl.Float64, strict=False)
    seconds = seconds.set(~seconds.is_between(0, LAST_SECOND), None)
    return (seconds * 1_000_000).round().cast(pl.Int64).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def name_lists(values: Sequence[Sequence[str | None] | None]) -> pl.Series:
    """Return ``values`` as a column of ``NAMES``; an empty list becomes null.

    Polars takes ten times as long to convert nested lists as a flat one, but a join of a few rows takes longer still.
    """
    if len(values) <= _FEW:
        return pl.Series("names", [list(names) if names else None for names in values], dtype=NAMES)
    rows = [row for row, names in enumerate(values) if names for _ in names]
    flat = [name for names in values if names for name in names]
    filled = (
        pl.DataFrame({"row": pl.Series(rows, dtype=pl.UInt32).set_sorted(), "names": pl.Series(flat, dtype=pl.String)})
        .group_by("row", maintain_order=True)
        .agg("names")
    )
    every = pl.DataFrame({"row": pl.int_range(len(values), dtype=pl.UInt32, eager=True).set_sorted()})
    return every.join(filled, on="row", how="left", maintain_order="left")["names"]


def durations(seconds: str) -> pl.Expr:
    """Return the number column ``seconds`` as ``duration``: whole seconds, null if under one or over ten years."""
    whole = pl.col(seconds).floor()
    return pl.when(whole.is_between(1, TEN_YEARS)).then(whole).cast(pl.Int32).alias("duration")


def finish(frame: pl.DataFrame | pl.LazyFrame, broken: Mapping[int, Broken]) -> pl.DataFrame:
    """Turn a format's frame into ``EXTRACTED``: number its rows, add missing columns, mark broken rows.

    ``broken`` has the rows that could not be decoded, by row number from 1. It overrides the frame's own verdict.
    """
    rows = frame.lazy()
    rows = rows.with_columns(*_completing(tuple(rows.collect_schema().names())))
    if broken:
        marks = pl.LazyFrame(
            [(row, str(reason), detail) for row, (reason, detail) in broken.items()],
            schema={"row": pl.Int32, "why": pl.String, "where": pl.String},
            orient="row",
        )
        is_broken = pl.col("why").is_not_null()
        rows = rows.join(marks, on="row", how="left", maintain_order="left").with_columns(
            skip=pl.when(~is_broken).then("skip"),
            reject=pl.coalesce("why", "reject"),
            detail=pl.when(is_broken).then("where").otherwise("detail"),
        )
    return conform(rows.collect(engine=IN_ORDER), EXTRACTED)


@cache  # one entry per format
def _completing(present: tuple[str, ...]) -> list[pl.Expr]:
    """Return the columns of ``EXTRACTED`` that a frame with those ``present`` lacks, and the final verdicts."""
    ours = {name: pl.col(name) if name in present else pl.lit(None, dtype) for name, dtype in EXTRACTED.items()}
    is_counted = ours["skip"].is_null()
    made = {
        "row": pl.int_range(1, pl.len() + 1, dtype=pl.Int32),
        "reject": pl.when(is_counted).then(ours["reject"]),
        "detail": pl.when(is_counted).then(ours["detail"]),
    }
    return [column.alias(name) for name, column in (ours | made).items() if name in made or name not in present]


def missing_names(artist: str, track: str) -> list[tuple[pl.Expr, str]]:
    """Return the rules that reject a row whose ``artist`` or ``track`` column is blank."""
    return [(is_blank(artist), RejectReason.MISSING_ARTIST), (is_blank(track), RejectReason.MISSING_TRACK)]
