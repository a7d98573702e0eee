"""Live listens: the input and result types, and validation that needs no database. Pure."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from etl.core.errors import ExitCode
from etl.core.reasons import RejectReason
from etl.core.schema import EXTRACTED, KeyStatus, Outcome
from etl.normalize.durations import whole_seconds
from etl.normalize.fast_path import normalize_single, single_of
from etl.normalize.listens import normalize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from etl.normalize.fast_path import Single
    from etl.normalize.listens import Rules

SOURCE = "submit"
SKIPPED, REJECTED = "skipped", "rejected"
NOT_SUBMITTED = "not submitted: another listen of the input was rejected"
_HALF = re.compile("[\ud800-\udfff]")
# Last.fm, which started then, was the first service that stored what people hear.
EARLIEST = datetime(2002, 10, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Listen:
    """A live listen, as a client submits it."""

    artist: str | None
    """The credit as one text, which is split into artists; may be None if ``artists`` are given."""
    track: str | None
    listened_at: datetime
    """Taken as UTC if it has no time zone; stored in whole seconds."""
    album: str | None = None
    artists: Sequence[str] = ()
    """The artists one by one, the first one as the base artist; if given, ``artist`` is not split."""
    artist_mbids: Sequence[str | None] = ()
    """The MBIDs of ``artists``; without these, of the artists of the credit."""
    recording_mbid: str | None = None
    release_mbid: str | None = None
    duration: float | None = None
    """Length of the track, in seconds; a fraction is cut off. Ignored if under a second or over ten years."""
    client: str | None = None

    def as_row(self) -> dict[str, Any]:
        """Return the listen as a row with the columns of EXTRACTED."""
        moment = self.listened_at if self.listened_at.tzinfo else self.listened_at.replace(tzinfo=UTC)
        lists = {name: list(getattr(self, name)) or None for name in ("artists", "artist_mbids")}
        own = {**self.__dict__, **lists, "duration": whole_seconds(self.duration, 1)}
        own["listened_at"] = moment.astimezone(UTC)
        return {**dict.fromkeys(EXTRACTED), **own, "row": 1}


@dataclass(frozen=True)
class Submitted:
    """What became of a listen, with the terms of ``run.json`` and of the files in a run directory."""

    row: int
    """The number of the listen in the input, from 1."""
    outcome: str
    """``inserted``, ``already_present``, ``duplicate_in_input``, ``unresolved``; or ``skipped``, ``rejected``."""
    reason: str | None = None
    """Why the listen was skipped or rejected."""
    detail: str | None = None
    listened_at: datetime | None = None
    artist: str | None = None
    track: str | None = None
    album: str | None = None
    lookup_key: str | None = None
    status: str | None = None
    """How the key got its ids: ``hit``, ``resolved`` or ``failed``."""
    artist_id: int | None = None
    album_id: int | None = None
    track_id: int | None = None
    created: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("artists", "albums", "tracks"), 0))

    def as_json(self) -> dict[str, Any]:
        """Return the result as JSON values; the time is in ISO 8601."""
        return {**asdict(self), "listened_at": self.listened_at.isoformat() if self.listened_at else None}

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of a process that submitted this listen."""
        if self.outcome == REJECTED:
            return ExitCode.INPUT
        return ExitCode.REJECTS if self.status == KeyStatus.FAILED else ExitCode.OK


class ValidListen(msgspec.Struct, frozen=True):
    """A listen that can be stored."""

    row: int
    single: Single
    fields: Mapping[str, Any]
    """The fields of the listen that the result repeats."""
    frame: Callable[[], pl.DataFrame]
    """Returns the listen as one row of schema NORMALIZED."""

    def result(self, **became: Any) -> Submitted:  # noqa: ANN401 (the fields of Submitted)
        """Return the result of the listen, with the fields ``became``."""
        return Submitted(self.row, lookup_key=self.single.lookup_key, **self.fields, **became)


def validate(listen: Listen, rules: Rules) -> ValidListen | Submitted:
    """Return ``listen`` ready to be stored, or a result that says what is wrong with it."""
    row = listen.as_row()
    frame = _Frame(row, rules)
    if single := normalize_single(row, EARLIEST, rules):
        return ValidListen(1, single, _repeated(row), frame)
    if half := _HALF.search("".join(_texts(row))):  # Polars would raise an exception
        detail = f"U+{ord(half[0]):04X} is half of a surrogate pair"
        return Submitted(1, REJECTED, str(RejectReason.BAD_ENCODING), detail, **_repeated(row))
    (validated,) = validate_frame(pl.DataFrame([row], schema=EXTRACTED), rules)
    return validated


def rejected_all(validated: Sequence[ValidListen | Submitted]) -> list[Submitted] | None:
    """Return the results if nothing is to be stored: no listen is valid, or one was rejected. Otherwise None."""
    if not any(isinstance(one, Submitted) and one.outcome == REJECTED for one in validated) and any(
        isinstance(one, ValidListen) for one in validated
    ):
        return None
    unresolved = str(Outcome.UNRESOLVED)
    return [
        one.result(outcome=unresolved, detail=NOT_SUBMITTED) if isinstance(one, ValidListen) else one
        for one in validated
    ]


def validate_frame(extracted: pl.DataFrame, rules: Rules) -> list[ValidListen | Submitted]:
    """Validate each row of ``extracted`` (schema EXTRACTED) as ``validate`` does."""
    made = normalize(extracted, SOURCE, SOURCE, EARLIEST, rules)
    given = {row["row"]: row for row in extracted.iter_rows(named=True)}
    validated: list[ValidListen | Submitted] = [
        Submitted(row["row"], outcome, row["reason"], row.get("detail"), **_repeated(given[row["row"]]))
        for outcome, frame in ((SKIPPED, made.skipped), (REJECTED, made.rejected))
        for row in frame.iter_rows(named=True)
    ]
    for place, row in enumerate(made.listens.iter_rows(named=True)):
        validated.append(ValidListen(row["row"], single_of(row), _repeated(row), _Slice(made.listens, place)))
    return sorted(validated, key=lambda one: one.row)


def _texts(row: Mapping[str, Any]) -> Iterator[str]:
    for value in row.values():
        yield from (text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str))


def _repeated(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of ``row`` that a result repeats."""
    time = row["listened_at"]
    names = {name: row[name] for name in ("artist", "track", "album")}
    return {"listened_at": time and time.replace(microsecond=0), **names}


class _Frame(msgspec.Struct, frozen=True):
    """Normalises a row when it is called."""

    row: Mapping[str, Any]
    rules: Rules

    def __call__(self) -> pl.DataFrame:
        extracted = pl.DataFrame([self.row], schema=EXTRACTED)
        return normalize(extracted, SOURCE, SOURCE, EARLIEST, self.rules).listens


class _Slice(msgspec.Struct, frozen=True):
    """Returns one row of a frame when it is called."""

    frame: pl.DataFrame
    place: int

    def __call__(self) -> pl.DataFrame:
        return self.frame.slice(self.place, 1)
