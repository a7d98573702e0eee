"""Reads plays of Spotify that a tool wrote into a table, under the names of the fields in Spotify's JSON exports.

What counts as a listen, and when, is as in the JSON that the table was made of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from etl.core.errors import BrokenFileError
from etl.formats.base import Format, Peek, ReadOptions, finish
from etl.formats.spotify import CLIENT, CLOCK, FOUNDED, PREFERENCE
from etl.formats.spotify_account import AccountPlay, read_account
from etl.formats.spotify_extended import ExtendedPlay, read_extended
from etl.formats.table_header import SEPARATOR, ColumnKind, columns_named, kind_of_table, with_needed
from etl.parsers import Delimited, Dialect

if TYPE_CHECKING:
    import polars as pl

_EXTENDED, _ACCOUNT = ExtendedPlay.__struct_fields__, AccountPlay.__struct_fields__
_ADVICE = "Give Spotify's own JSON files"
_NEEDED = {"ts": ("ts", "ms_played"), "endTime": ("endTime", "msPlayed")}


def _header(line: str) -> Dialect:
    dialect = columns_named(line, (*_EXTENDED, *_ACCOUNT))
    needed = next((columns for time, columns in _NEEDED.items() if time in dialect.names), None)
    if needed is None:
        raise BrokenFileError("it has no column ts or endTime", _ADVICE)
    return with_needed(dialect, needed, _ADVICE)  # without the time played no row would count as heard


LAYOUT = Delimited(Dialect((*_EXTENDED, *_ACCOUNT)), _header, SEPARATOR)


def read_csv(data: bytes, options: ReadOptions) -> pl.DataFrame:
    """Read one table. Columns out: ``EXTRACTED``. Raises ``BrokenFileError`` without a time or a time played."""
    table = LAYOUT.read(data)
    is_extended = "ts" in table.columns
    fields = table.frame.select(name for name in (_EXTENDED if is_extended else _ACCOUNT) if name in table.columns)
    plays = [{name: text for name, text in play.items() if text is not None} for play in fields.iter_rows(named=True)]
    read = read_extended if is_extended else read_account
    return finish(read(msgspec.json.encode(plays), options), table.broken)


def _is_csv(peek: Peek) -> bool:
    return kind_of_table(peek) is ColumnKind.SPOTIFY


FORMAT = Format(
    name="spotify-csv",
    source="spotify",
    title="Spotify plays as a table (CSV or TSV)",
    file_names=("Streaming_History_Audio_*.csv", "StreamingHistory*.csv", "endsong*.csv"),
    how_to_get=(
        "Tools that convert Spotify's JSON write it. Spotify's own files are better: spotify.com > Account > Privacy > "
        "Download your data > Extended streaming history."
    ),
    sample="spotify/csv",
    recognise=_is_csv,
    read=read_csv,
    layout=LAYOUT,
    earliest=FOUNDED,
    client=CLIENT,
    preference=PREFERENCE,
    clock=CLOCK,
)
