"""Computes when a whole play may have begun, and holds the numbers that the comparison uses. Pure.

Sources of the numbers: five real extended histories of Spotify (65,000 tracks), two exports of one history (Last.fm,
ListenBrainz), and Spotify's two exports of one history.
"""

from __future__ import annotations

import polars as pl

HOUR = 3600
MINUTE = 60
HEARD = 30  # seconds: the least that Spotify and Last.fm count as heard
TYPICAL = 200  # seconds: assumed for a track of unknown length

# The most seconds between the starts that two services record of one play. 96.5 to 100 % of the clocks of Spotify's
# clients agree with its server's to this extent; multi-scrobbler allows the same.
TOLERANCE = 10

# ListenBrainz's listens from before 2017 begin 4 to 54 s too early (nine published examples, six of them over 10 s).
EARLY = 60
EARLY_UNTIL = 1_483_228_800  # 2017-01-01T00:00:00Z

# The longest play, pauses included. 1.8 to 6.8 % of plays are paused for over an hour, 0.24 % for over a day.
LONGEST_PLAY = 48 * HOUR

_MIDDLE = pl.when("is_coarse").then(MINUTE // 2).otherwise(0)  # the middle of the minute, if only that is known
_IS_LATE_START = pl.col("is_whole") & pl.col("ended").is_null()  # it is stored by a start that is late by the pauses


def with_start_ranges(plays: pl.DataFrame) -> pl.DataFrame:
    """Add ``first``, ``last``, ``start`` and ``unpaused`` (see schema PLAYS) to the other columns of PLAYS.

    A whole play began at its recorded start, if there is one. Else it began after the play before it ended (of plays
    paused for over 10 s, 61 to 98 % began within 10 s of that) and after another track was scrobbled, because a
    listener hears one thing at a time. If it was not paused, it began at its end minus the time played. All plays of
    the run and of the database are considered as earlier plays.
    """
    known_end = pl.coalesce("ended", "second")
    slack = pl.when("is_coarse").then(MINUTE - 1).otherwise(0)
    latest = pl.when(_IS_LATE_START).then("second").otherwise(known_end + slack - pl.col("played").fill_null(HEARD))
    # Its own record in another export ends in the same minute; a clock with seconds may be a few seconds off.
    limit = pl.min_horizontal(latest + TOLERANCE, known_end // MINUTE * MINUTE - 1)
    whole = plays.filter("is_whole").with_columns(at=known_end, latest=latest, limit=limit)
    found = _after_other_starts(_after_the_one_before(whole), plays)
    longest = pl.col("at") - LONGEST_PLAY
    recorded = pl.when(pl.col("recorded") >= longest).then("recorded")
    previous = pl.when(pl.col("previous") >= longest).then("previous")
    is_next = (pl.col("other_latest") <= previous).fill_null(value=True)
    bound = pl.max_horizontal(previous.fill_null(longest), "other_start")
    unpaused = pl.col("ended") + _MIDDLE - pl.coalesce("played", "length", pl.lit(TYPICAL, pl.Int64))
    # If a play was heard for half a minute, a scrobble in its last seconds is of the next play.
    last = pl.max_horizontal(pl.col("at") + slack - HEARD, "latest") + TOLERANCE
    spans = found.select(
        "play",
        first=pl.min_horizontal(pl.coalesce(recorded, bound), "latest"),
        last=pl.when(_IS_LATE_START).then(pl.col("second") + TOLERANCE).otherwise(last),
        start=pl.coalesce(recorded, pl.when(is_next & previous.is_not_null()).then("previous_end")),
        unpaused=pl.when(_IS_LATE_START).then("second").otherwise(unpaused),
    )
    return plays.join(spans, on="play", how="left", maintain_order="left")


def _after_the_one_before(whole: pl.DataFrame) -> pl.DataFrame:
    """Add ``previous``: the end of the service's last play that ended before this one began.

    If only its minute is known, ``previous`` is the beginning of that minute, and ``previous_end`` its middle.
    """
    ends = whole.select("service", previous="at", previous_end=pl.col("at") + _MIDDLE)
    before = ends.sort("previous", "previous_end").unique(["service", "previous"], keep="first", maintain_order=True)
    return whole.sort("limit").join_asof(
        before,
        left_on="limit",
        right_on="previous",
        by="service",
        strategy="backward",
        check_sortedness=False,  # both sides are sorted just above
    )


def _after_other_starts(whole: pl.DataFrame, plays: pl.DataFrame) -> pl.DataFrame:
    """Add ``other_start``, the last recorded start that cannot be the play's own, and its upper bound ``other_latest``.

    That is a start of another title or, for a play in the database, any start that is stored there as well. A start in
    the last minute of a play is ignored: by an early clock, it may be that of the next play.
    """
    in_database = pl.col("listen").is_not_null()
    name = pl.col("titles").list.first()
    named = plays.filter(~pl.col("is_whole")).select("listen", name=name, at=pl.struct("second", "before"))
    starts = named.with_columns(other=pl.col("at").struct.field("second")).sort("other", "name")
    is_new = pl.col("name") != pl.col("name").shift()
    of_another = starts.select(
        "other", "name", "at", at_before=pl.when(is_new).then(pl.col("at").shift()).forward_fill()
    ).unique("other", keep="last", maintain_order=True)
    stored = starts.filter(in_database).select(stored="other", at_stored="at").unique("stored", maintain_order=True)
    ours = whole.select("play", "listen", name_here=name, until=pl.col("at") - EARLY).sort("until")
    for others, column in ((of_another, "other"), (stored, "stored")):
        ours = ours.join_asof(
            others, left_on="until", right_on=column, strategy="backward", check_sortedness=False, coalesce=False
        )
    differs = pl.col("name") != pl.col("name_here")
    both = [pl.when(differs).then("at").otherwise("at_before"), pl.when(in_database).then("at_stored")]
    second = [at.struct.field("second") for at in both]
    latest = [at.struct.field("second") + at.struct.field("before") for at in both]
    found = ours.select("play", other_start=pl.max_horizontal(second), other_latest=pl.max_horizontal(latest))
    return whole.join(found, on="play", how="left")
