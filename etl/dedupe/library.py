"""Finds likely doubles among the listens of a database, whichever program wrote them, and which ones stay. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from etl.core.schema import CACHED, conform, empty
from etl.dedupe.candidates import candidates
from etl.dedupe.evidence import with_evidence
from etl.dedupe.groups import grouped
from etl.dedupe.members import Content
from etl.dedupe.plays import COMPARED, as_plays, combined, of_database
from etl.dedupe.schema import STORED_DOUBLES
from etl.dedupe.services import rank_of
from etl.dedupe.start_ranges import EARLY, MINUTE, TOLERANCE, with_start_ranges

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from etl.dedupe.services import RecordingService

_NOBODY = ""  # the recorder of listens without a client


def stored_doubles(
    library: pl.DataFrame, services: Sequence[RecordingService], coarse: Collection[str] = ()
) -> pl.DataFrame:
    """Return the listens of ``library`` that are doubles of another listen in it, as schema STORED_DOUBLES.

    ``library`` holds all listens of a user (schema NEARBY). ``services`` are all known services; ``coarse`` names those
    that have a loaded export with times to the minute. The rules are those of a load. A client that belongs to no known
    service counts as its own service: two of its listens are doubles only if they have the same second. A listen has
    fewer details than a row of an export, so some doubles are not found: see ``_certain``.
    """
    # Listens from an export with times to the minute have no album.
    exact = library.select(_has_album()).to_series()
    stored = of_database(library, services, coarse).with_columns(pl.col("is_coarse") & ~exact)
    clients = library.get_column("client").fill_null(_NOBODY)
    of_clients = stored.with_columns(listen=pl.lit(None, pl.Int64), service=pl.coalesce("service", clients))
    plays = as_plays(with_start_ranges(combined(of_clients, stored.clear())))
    ranked = plays.select(
        "play",
        "is_coarse",
        "second",
        group=grouped(plays, _certain(candidates(plays), plays)),
        # A client of no known service scrobbled to Koito or ListenBrainz, which are preferred.
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
    described = with_evidence(found, known, known.select("play", place="play"), nothing)
    return conform(described.rename({"play": "listen"}).select(STORED_DOUBLES.names()), STORED_DOUBLES)


def _certain(pairs: pl.DataFrame, plays: pl.DataFrame) -> pl.DataFrame:
    """Return ``pairs`` without those of a start and a whole play that may as well be two plays.

    A load compares exports that know how long a play lasted; a database does not know this. If a whole play seems to
    have been paused, or to have begun long before another start, the two may be two plays. A database also lacks what
    an earlier dedupe removed: if the play before is missing, a play seems to have begun when an earlier one ended.
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
    # Before 2017, two starts up to a minute apart may be one play, or two plays of a short track.
    is_long = pl.max_horizontal("length", "length_of").fill_null(0) >= 2 * EARLY
    is_one = pl.when(mixed).then((is_near | follows.fill_null(value=False)) & is_last)
    is_certain = is_one.otherwise(pl.col("is_whole") | (pl.col("distance") <= TOLERANCE) | is_long)
    return pairs.filter(both.select(is_certain).to_series())


def _has_album() -> pl.Expr:
    """Say whether a listen's track is on an album with a title other than the track's."""
    return (pl.col("albums").list.set_difference("titles").list.len() > 0).fill_null(value=False)


def _unknown() -> pl.Expr:
    """Return how many of these a listen's track lacks: its length, and an album."""
    return (pl.col("duration") == 0).cast(pl.Int8) + (~_has_album()).cast(pl.Int8)
