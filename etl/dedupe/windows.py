"""Works out when a whole play began, as narrowly as its record allows; holds the numbers of the comparison. Pure.

Sources: five real extended histories of Spotify (65,000 tracks), two exports of one history (Last.fm, ListenBrainz),
and Spotify's two exports of one history.
"""

from __future__ import annotations

import polars as pl

HOUR = 3600
MINUTE = 60
HEARD = 30  # seconds: what Spotify and Last.fm count as heard at least
TYPICAL = 200  # seconds: the length of a track whose length is not known

# Seconds between the starts that two services record of one play. 96.5 to 100 % of the clocks of Spotify's clients
# agree so with its server's; multi-scrobbler allows the same.
TOLERANCE = 10

# ListenBrainz's listens from before 2017 begin 4 to 54 s early (nine published examples, six of them over 10 s).
EARLY = 60
EARLY_UNTIL = 1_483_228_800  # 2017-01-01T00:00:00Z

# How long a play may last with its pauses. 1.8 to 6.8 % of plays are paused for over an hour, 0.24 % for over a day.
LONGEST_PLAY = 48 * HOUR

_MIDDLE = pl.when("is_coarse").then(MINUTE // 2).otherwise(0)  # of the minute, where only that is known
_IS_LATE_START = pl.col("is_whole") & pl.col("ended").is_null()  # stored by a start that is late by the pauses


def with_windows(plays: pl.DataFrame) -> pl.DataFrame:
    """Add ``first``, ``last``, ``start`` and ``unpaused`` (see schema PLAYS) to the other columns of PLAYS.

    A whole play began at its recorded start; else, since nobody hears two things at a time, not before the one before
    it ended (of plays paused for over 10 s, 61 to 98 % began within 10 s of that) nor before another track was
    scrobbled; and, if it was not paused, as long before its end as it was played. All plays of the run and of the
    database count as the ones before.
    """
    known_end = pl.coalesce("ended", "second")
    slack = pl.when("is_coarse").then(MINUTE - 1).otherwise(0)
    latest = pl.when(_IS_LATE_START).then("second").otherwise(known_end + slack - pl.col("played").fill_null(HEARD))
    # Its own record in another export ends in the same minute; a clock that counts in seconds is a few of them off.
    limit = pl.min_horizontal(latest + TOLERANCE, known_end // MINUTE * MINUTE - 1)
    whole = plays.filter("is_whole").with_columns(at=known_end, latest=latest, limit=limit)
    found = _after_other_starts(_after_the_one_before(whole), plays)
    longest = pl.col("at") - LONGEST_PLAY
    recorded = pl.when(pl.col("recorded") >= longest).then("recorded")
    previous = pl.when(pl.col("previous") >= longest).then("previous")
    is_next = (pl.col("other_latest") <= previous).fill_null(value=True)
    bound = pl.max_horizontal(previous.fill_null(longest), "other_start")
    unpaused = pl.col("ended") + _MIDDLE - pl.coalesce("played", "length", pl.lit(TYPICAL, pl.Int64))
    # What is scrobbled in the last seconds of a play is the next one, if this one was heard for half a minute.
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
    """Add ``previous``: when the play of the same service ended that was the last to do so before this one began.

    Where only the minute of that is known, ``previous`` is its beginning, and ``previous_end`` its middle.
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
    """Add ``other_start``, the last recorded start before the play that cannot be its own, and when it was at latest.

    That is a start of another title, or, of a play in the database, any that is stored there too. A start in the last
    minute of a play may be that of the next one, by a clock that is early.
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
