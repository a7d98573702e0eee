"""Makes names comparable between services, which spell the same track differently. Pure."""

from __future__ import annotations

import polars as pl

_FEATURE = r"(?:feat\.?|ft\.?|featuring|with)\s"
# Suffixes of the same recording. "live", "mix" and "edit" are not here, because they name other recordings.
_SUFFIX = (
    r"(?:[^()\[\]]*\bre-?master(?:ed)?\b[^()\[\]]*|(?:album|single|original) version"
    r"|(?:mono|stereo)(?: version| mix)?|bonus track|explicit)"
)
_BRACKETED = rf"[(\[]\s*(?:{_FEATURE}[^)\]]*|{_SUFFIX})\s*[)\]]"
_TRAILING = r"\s+feat\.\s.*$"  # without brackets, "ft." may be feet, and "featuring" a verb: "50 Ft. Queenie"
_AFTER_DASH = (
    r"\s+[-–—]\s+(?:(?:[^-–—]*\s)?re-?master(?:ed)?\b.*|(?:album|single|original) version"
    r"|(?:mono|stereo)(?: version| mix)?|bonus track|explicit)$"
)
_NOT_READ = r"[^\p{L}\p{N}]+"
_JOINERS = r"(?i)\s*[,;/&+×]\s*|\s+(?:and|x|vs\.?|with|feat\.?|ft\.?|featuring)\s+"
_BREAK = "\x1f"


def comparable_names(names: pl.Series) -> pl.Series:
    """Return ``names`` without what services add, drop or spell differently; null stays null.

    That is: case, features, "Remastered" and suffixes like it, punctuation and spaces (one old tool for Last.fm strips
    commas and quotes). Measured on 4,420 titles that are in two catalogues: 97.4 % are equal in this form, 67.6 %
    unchanged. A name of punctuation alone stays as it is.
    """
    distinct = names.drop_nulls().unique()
    low = pl.col("name").str.to_lowercase()
    core = low.str.replace_all(_BRACKETED, " ").str.replace(_TRAILING, "").str.replace(_AFTER_DASH, "")
    bare = core.str.replace_all(_NOT_READ, "")
    made = distinct.to_frame("name").select(pl.when(bare != "").then(bare).otherwise(low)).to_series()
    return names.replace_strict(distinct, made, default=None, return_dtype=pl.String)


def title_codes(titles: pl.Series) -> pl.Series:
    """Return a number for each title; comparable titles get equal numbers."""
    return comparable_names(titles).hash()


def artist_codes(artists: pl.Series, written: pl.Series | None = None) -> pl.DataFrame:
    """Return ``artists``, the codes by which each list of artists is compared, and ``names``, one number for the list.

    The codes are those of all names, of the parts of each, and of the credit as the service has ``written`` it. Two
    credits are comparable if they share a code: Last.fm has "A & B" as one artist where ListenBrainz lists A and B,
    which was the cause of nearly all doubles between two exports of one history.
    """
    credit = pl.lit(None, pl.String) if written is None else written
    text = pl.concat_str(pl.col("list").list.join(_BREAK), credit, separator=_BREAK, ignore_nulls=True)
    lists = artists.to_frame("list").select(text=text)
    distinct = lists.unique("text").with_columns(name=pl.col("text").str.split(_BREAK)).explode("name")
    names = distinct.get_column("name").drop_nulls().unique()
    parts = (
        pl.DataFrame({"name": names})
        .with_columns(part=pl.col("name").str.replace_all(_JOINERS, _BREAK).str.split(_BREAK))
        .with_columns(part=pl.concat_list("part", "name"))
        .explode("part", empty_as_null=True)
        .filter(pl.col("part") != "")
    )
    of_name = parts.select("name", code=comparable_names(parts.get_column("part")).hash()).unique()
    found = distinct.join(of_name, on="name").group_by("text").agg(pl.col("code").unique().sort())
    numbered = found.with_columns(names=pl.col("code").cast(pl.List(pl.String)).list.join(" ").hash())
    joined = lists.select("text").join(numbered, on="text", how="left", maintain_order="left")
    return joined.select(
        artists=pl.col("code").fill_null(pl.lit([], pl.List(pl.UInt64))), names=pl.col("names").fill_null(0)
    )
