"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

Dsn: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="URI", help='Database: a libpq URI, or "embedded" (the default). Env: ETL_DSN, ETL_DSN_FILE.'),
]
Home: TypeAlias = Annotated[
    str | None, typer.Option(metavar="DIR", help="Folder of the embedded server and the runs. Env: ETL_HOME.")
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
User: TypeAlias = Annotated[
    str | None, typer.Option(metavar="USER", help="Name or id of the Koito user; default: the only one.")
]
Workers: TypeAlias = Annotated[
    int, typer.Option(min=1, max=64, metavar="N", help="Connections that write side by side.")
]
DryRun: TypeAlias = Annotated[bool, typer.Option("--dry-run", help="Do everything except writing to the database.")]
Paths: TypeAlias = Annotated[
    list[Path],
    # not checked here: what cannot be read costs itself alone
    typer.Argument(help="Export files, folders or zips.", metavar="PATH", readable=False),
]
Source: TypeAlias = Annotated[
    str, typer.Option(metavar="SOURCE", help="Whose files to read (`etl sources` lists them); auto reads all.")
]
Since: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Only listens from this time on (ISO 8601; UTC without an offset)."),
]
Until: TypeAlias = Annotated[
    str | None, typer.Option(metavar="TIME", help="Only listens up to this time; a bare date means the whole day.")
]
SpotifyPlays: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="heard|trackdone",
        help="heard: at least 30 s, or to the end; trackdone: only to the end, as Koito keeps them.",
    ),
]
SpotifyTime: TypeAlias = Annotated[
    str, typer.Option(metavar="end|start", help="Store the end of a play, as Koito does, or its start.")
]
Separators: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="REGEX", help="Regular expressions that split artist credits, divided by ;; (as in Koito)."),
]
Progress: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="auto|plain|none",
        help="auto: a bar, on a terminal only; plain: a line now and then; none.",
        autocompletion=lambda: ["auto", "plain", "none"],
    ),
]
LogFormat: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="text|json",
        help="json: each line on stderr is a JSON object.",
        autocompletion=lambda: ["text", "json"],
    ),
]
Metrics: TypeAlias = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write a Prometheus text file about the run, also when it fails."),
]
NoOverlap: TypeAlias = Annotated[
    bool, typer.Option("--no-overlap", help="Exit with 6 when another run is at work on the database.")
]
MoveTo: TypeAlias = Annotated[
    str | None, typer.Option(metavar="DIR", help="Move files there that are fully loaded, out of an inbox.")
]
MaxRejects: TypeAlias = Annotated[
    int, typer.Option(min=0, metavar="N", help="Exit with 5 only if more rows than this are rejected.")
]
