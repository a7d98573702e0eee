"""Finds likely doubles among the listens of a database, whoever wrote them, and which of each group stays. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from etl.core.schema import CACHED, conform, empty
from etl.dedupe.candidates import candidates
from etl.dedupe.evidence import with_evidence
from etl.dedupe.groups import grouped
from etl.dedupe.members import Content
from etl.dedupe.plays import COMPARED, finished, of_database, together
from etl.dedupe.schema import STORED_DOUBLES
from etl.dedupe.services import rank_of
from etl.dedupe.windows import EARLY, MINUTE, TOLERANCE, with_windows

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from etl.dedupe.services import RecordingService

_NOBODY = ""  # the recorder of listens that name no client


def stored_doubles(
    library: pl.DataFrame, services: Sequence[RecordingService], coarse: Collection[str] = ()
) -> pl.DataFrame:
    """Return the listens of ``library`` that are doubles of another one of it, as schema STORED_DOUBLES.

    ``library`` holds all listens of a user (schema NEARBY), ``services`` are all that are known; ``coarse`` names those
    of which an export that knows only minutes was loaded. The rules are those of a load. A client that no service
    stands for counts as a service of its own: no two of its listens are ever doubles, unless they have one second. Less
    is known of a listen than of a row of an export, so that some doubles are not found: see ``_certain``.
    """
    # What an export that knows only minutes brought has no album.
    exact = library.select(_has_album()).to_series()
    stored = of_database(library, services, coarse).with_columns(pl.col("is_coarse") & ~exact)
    clients = library.get_column("client").fill_null(_NOBODY)
    of_clients = stored.with_columns(listen=pl.lit(None, pl.Int64), service=pl.coalesce("service", clients))
    plays = finished(with_windows(together(of_clients, stored.clear())))
    ranked = plays.select(
        "play",
        "is_coarse",
        "second",
        group=grouped(plays, _certain(candidates(plays), plays)),
        # A client that no service stands for scrobbled to Koito or ListenBrainz, which go first.
        rank=pl.when(stored.get_column("service").is_null()).then(-1).otherwise(rank_of(services, pl.col("service"))),
        unknown=library.select(_unknown()).to_series(),
        track_id=library.get_column("track_id"),
    )
    several = ranked.filter(pl.col("group").is_duplicated())
    in_order = several.sort("group", "is_coarse", "rank", "unknown", "second", "track_id")
    poorer = in_order.with_columns(of=pl.col("play").first().over("group")).filter(pl.col("play") != pl.col("of"))
    found = poorer.sort("play").select("play", "of", held=pl.lit(None, pl.Int64), held_play=pl.lit(None, pl.Int64))
    known = plays.with_columns(service=pl.when(pl.col("service") != _NOBODY).then("service"))
    nothing = Content(pl.DataFrame(schema=dict.fromkeys(COMPARED, pl.String)), library.clear(), empty(CACHED), services)
    told = with_evidence(found, known, known.select("play", place="play"), nothing)
    return conform(told.rename({"play": "listen"}).select(STORED_DOUBLES.names()), STORED_DOUBLES)


def _certain(pairs: pl.DataFrame, plays: pl.DataFrame) -> pl.DataFrame:
    """Return ``pairs`` without those of a start and a whole play that need not be one play.

    A load compares exports that know how long a play lasted. A database does not: where a whole play seems to have
    been paused, or began long before another start, both may as well be two plays. Nor does it hold what an earlier
    dedupe removed: the play before may be missing, so that a play seems to have begun when an earlier one ended.
    """
    columns = ("second", "is_whole", "is_coarse", "start", "unpaused", "length")
    ours, theirs = (plays[pairs.get_column(name)].select(columns) for name in ("play", "other"))
    both = pairs.hstack(ours).hstack(theirs.select(pl.all().name.suffix("_of")))
    mixed = pl.col("is_whole") != pl.col("is_whole_of")

    def of_whole(name: str, name_of: str) -> pl.Expr:
        return pl.when("is_whole").then(name).otherwise(name_of)

    begun, whole = of_whole("second_of", "second"), of_whole("play", "other")
    start, unpaused = of_whole("start", "start_of"), of_whole("unpaused", "unpaused_of")
    slack = 2 * TOLERANCE + pl.when(pl.col("is_coarse") | pl.col("is_coarse_of")).then(MINUTE // 2).otherwise(0)
    is_near = (begun - unpaused).abs() <= slack
    follows = ((begun - start).abs() <= slack) & (start >= unpaused - MINUTE)
    is_last = begun + 2 * TOLERANCE >= pl.when(mixed).then(begun).max().over(whole)
    # Of before 2017, two starts up to a minute apart are two plays of a short track, or one.
    is_long = pl.max_horizontal("length", "length_of").fill_null(0) >= 2 * EARLY
    is_one = pl.when(mixed).then((is_near | follows.fill_null(value=False)) & is_last)
    is_certain = is_one.otherwise(pl.col("is_whole") | (pl.col("distance") <= TOLERANCE) | is_long)
    return pairs.filter(both.select(is_certain).to_series())


def _has_album() -> pl.Expr:
    """Say whether a listen's track is on an album with a title of its own."""
    return (pl.col("albums").list.set_difference("titles").list.len() > 0).fill_null(value=False)


def _unknown() -> pl.Expr:
    """Return how much a listen's track does not know: its length, and an album."""
    return (pl.col("duration") == 0).cast(pl.Int8) + (~_has_album()).cast(pl.Int8)
