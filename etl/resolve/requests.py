"""Turns the listens of a run into resolution requests, and separates cached keys from misses. Pure."""

from __future__ import annotations

from typing import NamedTuple, TypedDict

import polars as pl

from etl.core.schema import NAMES, NORMALIZED, conform
from etl.normalize.credit import AS_ONE_HINT, as_one_artist
from etl.normalize.key import lookup_key

_MBIDS = ("recording_mbid", "release_mbid", "artist_mbids")  # Koito stores no MBID of a release group

# The order of rows of the same second is decided by their content, never by their file or row.
_CONTENT = (
    "artist", "track", "album", "names", "recording_mbid", "release_mbid", "mbids", "duration",
    "raw_names", "raw_track", "raw_album", "various_artists", "alias_text",
)  # fmt: skip

# The first request of a key creates its track; later ones can only add an MBID, a duration or aliases.
_REQUEST_COLUMNS = (
    "lookup_key", "listened_at", "artists", "artist_mbids", "track", "album", "release_mbid", "recording_mbid",
    "duration", "raw_artists", "raw_track", "raw_album", "various_artists", "aliases",
)  # fmt: skip
REQUESTS = pl.Schema({**{name: NORMALIZED[name] for name in _REQUEST_COLUMNS}, "as_one": NAMES})

# An alias that a cached track, its album or one of its artists may lack: the entity by its name or MBID.
CANDIDATE_ALIASES = pl.Schema(
    {"track_id": pl.Int32, "entity": pl.String, "name": pl.String, "mbid": pl.String, "alias": pl.String}
)


class Ids(NamedTuple):
    """The ids that a lookup key resolves to."""

    artist: int
    album: int
    track: int


class AliasRow(TypedDict):
    """An alias in a request; see ALIAS in ``etl.core.schema``."""

    entity: str
    of: str | None
    alias: str
    source: str
    is_primary: bool


class ResolutionRequest(NamedTuple):
    """A listen to resolve: the fields of schema REQUESTS that the rules use."""

    key: str
    artists: list[str]
    artist_mbids: list[str | None] | None
    track: str
    album: str | None
    release_mbid: str | None
    recording_mbid: str | None
    duration: int | None
    raw_artists: list[str] | None
    raw_track: str | None
    raw_album: str | None
    various_artists: bool | None = None
    aliases: list[AliasRow] | None = None
    as_one: list[str] | None = None
    """The artists, the first one named as the whole credit, if an artist of that name is known."""


def distinct_requests(listens: pl.DataFrame) -> pl.DataFrame:
    """Return the requests of ``listens`` (schema NORMALIZED): schema REQUESTS, in the order in which they are resolved.

    A request is the earliest listen of a distinct (key, MBIDs) or (key, MBIDs, aliases), or the earliest of its key
    with a duration; no other listen could add anything. (``various_artists`` only matters for a new album.) Ties are
    broken by content, so the order of files and rows does not matter.
    """
    narrow = listens.select("lookup_key", "listened_at", *_MBIDS).with_row_index("position")
    named = narrow.filter(listens.get_column("aliases").is_not_null())
    alias_texts = listens[named.get_column("position")].select(_alias_text().alias("alias_text"))
    keyed = narrow.select("position", "lookup_key", "listened_at")
    timed = keyed.filter(listens.get_column("duration").is_not_null())
    groups = [
        _earliest(listens, keyed, ["lookup_key"]),
        _earliest(listens, narrow.filter(_has_mbids()), ["lookup_key", *_MBIDS]),
        # if all have a duration, these are the ones above
        _earliest(listens, timed if timed.height < keyed.height else timed.clear(), ["lookup_key"]),
        _earliest(listens, named.hstack(alias_texts), ["lookup_key", *_MBIDS, "alias_text"]),
    ]
    columns = REQUESTS.names()
    found = _with_credits_as_one(_in_order(listens[pl.concat(groups).unique().sort()])).select(columns)
    return conform(found.unique(columns, keep="first", maintain_order=True), REQUESTS)


def _with_credits_as_one(listens: pl.DataFrame) -> pl.DataFrame:
    """Add ``as_one`` to ``listens``: null if the source lists the artists, or has an MBID for each of them."""
    several = pl.col("artists").list.len() > 1
    has_mbids = pl.col("artist_mbids").list.len() == pl.col("artists").list.len()
    is_divided = several & pl.col("artist").str.contains(AS_ONE_HINT) & ~has_mbids.fill_null(value=False)
    columns = ("lookup_key", "artist", "track", "album")
    credits_ = listens.with_row_index("at").filter(is_divided.fill_null(value=False)).select("at", *columns)
    found = [
        (at, as_one_artist(artist, track))
        for at, key, artist, track, album in credits_.iter_rows()
        if lookup_key(artist, track, album) == key  # the key was made from the text, not from listed names
    ]
    as_one = pl.DataFrame(found, {"at": pl.UInt32, "as_one": NAMES}, orient="row")
    return listens.with_row_index("at").join(as_one, on="at", how="left", maintain_order="left").drop("at")


def _has_mbids() -> pl.Expr:
    listed = pl.col("artist_mbids").list.drop_nulls().list.len() > 0
    return pl.any_horizontal(pl.col("recording_mbid", "release_mbid").is_not_null(), listed)


def _alias_text() -> pl.Expr:
    """Return the aliases of a listen as one text, to compare them."""
    texts = pl.col("aliases").list.eval(pl.element().struct.json_encode())
    return texts.list.join("\x1e")


def _earliest(listens: pl.DataFrame, narrow: pl.DataFrame, group: list[str]) -> pl.Series:
    """Return the positions of the first row of each group by time, then content.

    ``narrow`` has some rows of ``listens``, their ``position`` and the columns ``group``. Whole rows are many times
    as wide, and only needed if a group has several rows in its first second.
    """
    first = narrow.group_by(group).agg(pl.col("listened_at").min())
    at_first = narrow.join(first, on=[*group, "listened_at"], how="semi", nulls_equal=True)
    if at_first.height == first.height:
        return at_first.get_column("position")
    is_tied = at_first.select(pl.struct(group).is_duplicated()).to_series()
    tied = at_first.filter(is_tied)
    added = [name for name in tied.columns if name not in listens.columns]
    ordered = _in_order(listens[tied.get_column("position")].hstack(tied.select(added)))
    chosen = ordered.unique(group, keep="first", maintain_order=True).get_column("position")
    return pl.concat([at_first.filter(~is_tied).get_column("position"), chosen])


def _in_order(listens: pl.DataFrame) -> pl.DataFrame:
    """Sort by time, key and content. Content is computed only if time and key are not unique."""
    if not listens.select("listened_at", "lookup_key").is_duplicated().any():
        return listens.sort("listened_at", "lookup_key")
    keyed = listens.with_columns(
        names=pl.col("artists").list.join("\x1e"),
        mbids=pl.col("artist_mbids").list.eval(pl.element().fill_null("-")).list.join("\x1e"),
        alias_text=_alias_text(),
        raw_names=pl.col("raw_artists").list.join("\x1e"),
    )
    return keyed.sort("listened_at", "lookup_key", *_CONTENT, nulls_last=True)


def misses(found: pl.DataFrame, hits: pl.DataFrame) -> pl.DataFrame:
    """Return the requests whose keys are not cached: the anti-join of ``found`` with ``hits``."""
    return found.join(hits.select("lookup_key"), on="lookup_key", how="anti", maintain_order="left")


def enrichment_candidates(found: pl.DataFrame, hits: pl.DataFrame) -> pl.DataFrame:
    """Return the requests of cached keys that have more than names, with the ``track_id`` of their hit."""
    rich = found.filter(_has_mbids() | pl.any_horizontal(pl.col("duration", "aliases").is_not_null()))
    return rich.join(hits.select("lookup_key", "track_id"), on="lookup_key", how="inner", maintain_order="left")


def candidate_aliases(candidates: pl.DataFrame) -> pl.DataFrame:
    """Return the aliases in ``candidates`` (see ``enrichment_candidates``), once per spelling of their entity.

    Columns out: CANDIDATE_ALIASES. ``name`` is the request's name of the track, album or artist, or the text as
    exported; ``mbid`` is the request's MBID of it.
    """
    requests = candidates.filter(pl.col("aliases").is_not_null()).with_row_index("request")
    single = requests.select("request", "track_id", "aliases").explode("aliases").unnest("aliases")
    owners = pl.concat(
        [
            requests.select(
                "request", entity=pl.lit("track"), of=None, name="track", raw="raw_track", mbid="recording_mbid"
            ),
            requests.select(
                "request",
                entity=pl.lit("album"),
                of=None,
                name=pl.coalesce("album", "track"),
                raw=pl.when(pl.col("album").is_null()).then("raw_track").otherwise("raw_album"),
                mbid="release_mbid",
            ),
            _credited(requests),
        ],
        how="vertical_relaxed",
    )
    owned = single.join(owners, on=["request", "entity", "of"], nulls_equal=True)
    spelled = [owned.select("track_id", "entity", "mbid", "alias", name=spelling) for spelling in ("name", "raw")]
    return conform(pl.concat(spelled).drop_nulls("name").unique(), CANDIDATE_ALIASES)


def _credited(requests: pl.DataFrame) -> pl.DataFrame:
    """Return the artists of ``requests``, one per row."""
    none = pl.col("artists").list.eval(pl.when(pl.element().is_null()).then(pl.element()))
    aligned = pl.col("artist_mbids").list.len() == pl.col("artists").list.len()
    people = requests.select(
        "request",
        of="artists",
        name="artists",
        raw=pl.coalesce("raw_artists", none),
        mbid=pl.when(aligned).then("artist_mbids").otherwise(none),
    ).explode("of", "name", "raw", "mbid")
    return people.select("request", entity=pl.lit("artist"), of="of", name="name", raw="raw", mbid="mbid")


def to_resolve(found: pl.DataFrame, hits: pl.DataFrame, missing_fields: pl.DataFrame) -> pl.DataFrame:
    """Return the requests to resolve, in order: the misses, and those that have what a cached track lacks.

    ``missing_fields``: track_id and the booleans duration, recording_mbid, release_mbid, artist_mbids, aliases.
    """
    numbered = found.with_row_index("position")
    wanted = enrichment_candidates(numbered, hits).join(missing_fields, on="track_id", how="inner", suffix="_missing")
    useful = pl.any_horizontal(
        pl.col(name).is_not_null() & pl.col(f"{name}_missing")
        for name in ("duration", "recording_mbid", "release_mbid", "artist_mbids", "aliases")
    )
    positions = pl.concat([misses(numbered, hits).select("position"), wanted.filter(useful).select("position")])
    return numbered.join(positions, on="position", how="semi", maintain_order="left").drop("position")
