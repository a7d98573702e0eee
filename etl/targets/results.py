"""The result columns of every statement that ``Connection.query`` runs, the same for every dialect.

A database may store less precise types (SQLite has no booleans, times or lists), and a driver may guess a wrong type
from the first rows. Each connection returns exactly these columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import polars as pl

from etl.core.schema import NAMES, TIME, TRACK_LOOKUP

if TYPE_CHECKING:
    from collections.abc import Mapping

    Columns: TypeAlias = Mapping[str, pl.DataType | type[pl.DataType]]

IDS = pl.List(pl.Int32)

_LISTENS: Columns = {"track_id": pl.Int32, "listened_at": TIME}
_CREDITED: Columns = {"artist_id": pl.Int32, "is_primary": pl.Boolean}
_FILES: Columns = {"sha256": pl.String, "format": pl.String, "path": pl.String}
_NEAR: Columns = {"track_id": pl.Int32, "second": pl.Int64, "client": pl.String}
_CHANGED: Columns = {"id": pl.Int32}
_SUBMITTED: Columns = {
    "artist_id": pl.Int32,
    "album_id": pl.Int32,
    "track_id": pl.Int32,
    "user_id": pl.Int32,
    "inserted": pl.Boolean,
    "held_for": pl.Int32,
    "foreign_recording": pl.Boolean,
    "foreign_release": pl.Boolean,
    "unsettled": pl.Boolean,
}

_COLUMNS: Mapping[str, Columns] = {
    "absent_listens": {"place": pl.Int64, "track_now": pl.Int32, "state": pl.String},
    "backfill_albums": {
        "id": pl.Int32,
        "plays": pl.Int64,
        "mbid": pl.String,
        "titles": NAMES,
        "artists": NAMES,
        "artist_mbid": pl.String,
        "various_artists": pl.Boolean,
    },
    "backfill_artist_aliases": _CHANGED,
    "backfill_artist_images": _CHANGED,
    "backfill_artist_mbids": _CHANGED,
    "backfill_artists": {
        "id": pl.Int32,
        "plays": pl.Int64,
        "mbid": pl.String,
        "names": NAMES,
        "album": pl.String,
        "track": pl.String,
    },
    "backfill_durations": _CHANGED,
    "backfill_mbid_owners": {"id": pl.Int32, "mbid": pl.String},
    "backfill_release_aliases": _CHANGED,
    "backfill_release_images": _CHANGED,
    "backfill_release_mbids": _CHANGED,
    "backfill_track_mbids": _CHANGED,
    "backfill_tracks": {
        "id": pl.Int32,
        "plays": pl.Int64,
        "mbid": pl.String,
        "titles": NAMES,
        "artists": NAMES,
        "artist_mbid": pl.String,
        "albums": NAMES,
        "duration": pl.Int32,
    },
    "dedupe_forget_files": _FILES,
    "details_of_tracks": {
        "track_id": pl.Int32,
        "track": pl.String,
        "album": pl.String,
        "duration": pl.Int32,
        "recording_mbid": pl.String,
        "release_mbid": pl.String,
        "artists": NAMES,
        "artist_mbids": NAMES,
    },
    "fields_of_tracks": {
        "track_id": pl.Int32,
        "duration": pl.Int32,
        "recording_mbid": pl.String,
        "release_mbid": pl.String,
        "artist_mbids": NAMES,
    },
    "insert_listens": _LISTENS,
    "missing_aliases": {"track_id": pl.Int32},
    "ledger_files": {
        "sha256": pl.String,
        "format": pl.String,
        "run_id": pl.String,
        "records": pl.Int64,
        "unresolved": pl.Int64,
        "finished": pl.Boolean,
    },
    "ledger_formats": {"format": pl.String},
    "ledger_hashes": {"sha256": pl.String},
    "ledger_known_files": {
        "format": pl.String,
        "options": pl.String,
        "spotify_time": pl.String,
        "run_id": pl.String,
        "known": pl.Boolean,
    },
    "ledger_other_times": {"run_id": pl.String, "sha256": pl.String},
    "ledger_run": {
        "finished": pl.Boolean,
        "status": pl.String,
        "exit_code": pl.Int32,
        "stored": pl.Int64,
        "inserted": pl.Int64,
        "artists": pl.Int64,
        "albums": pl.Int64,
        "tracks": pl.Int64,
    },
    "ledger_run_inserted": {"inserted": pl.Int64},
    "keys_of_tracks": {"track_id": pl.Int32, "lookup_key": pl.String},
    "library/album_artists": {"album_id": pl.Int32, **_CREDITED},
    "library/albums": {
        "album_id": pl.Int32,
        "album": pl.String,
        "various_artists": pl.Boolean,
        "mbid": pl.String,
    },
    "library/artists": {"artist_id": pl.Int32, "artist": pl.String, "mbid": pl.String},
    "library/listens": {**_LISTENS, "client": pl.String},
    "library/loads": {
        "run_id": pl.String,
        "source": pl.String,
        "began": TIME,
        "status": pl.String,
        "inserted": pl.Int64,
    },
    "library/track_artists": {"track_id": pl.Int32, **_CREDITED},
    "library/tracks": {
        "track_id": pl.Int32,
        "track": pl.String,
        "album_id": pl.Int32,
        "duration": pl.Int32,
        "mbid": pl.String,
    },
    "library_listens": _NEAR,
    "lookup_keys": TRACK_LOOKUP,
    "names_of_tracks": {"track_id": pl.Int32, "duration": pl.Int32, "titles": NAMES, "artists": NAMES, "albums": NAMES},
    "nearby_listens": _NEAR,
    "nearby_listens_of_clients": _NEAR,
    "primary_names": {"track_id": pl.Int32, "artist": pl.String, "track": pl.String},
    "next_ids": {"entity": pl.String, "id": pl.Int32},
    "present_listens": {"track_id": pl.Int32, "listened_at": TIME, "user_id": pl.Int32},
    "sequences_behind": {"entity": pl.String, "repair": pl.String},
    "snapshot_artists": {"id": pl.Int32, "mbid": pl.String, "aliases": NAMES},
    "snapshot_releases": {"id": pl.Int32, "mbid": pl.String, "titles": NAMES, "artists": IDS},
    "snapshot_tracks": {
        "id": pl.Int32,
        "mbid": pl.String,
        "duration": pl.Int32,
        "release_id": pl.Int32,
        "titles": NAMES,
        "artists": IDS,
    },
    "staged_of_other_users": _LISTENS,
    "stored_checksum": {"listens": pl.Int64, "checksum": pl.String},
    "submit_cached": _SUBMITTED,
    "submit_cached_crediting": _SUBMITTED,
    "submit_cached_enriching": _SUBMITTED,
    "undo_albums": _CHANGED,
    "undo_artists": _CHANGED,
    "undo_batches": {"batch": pl.Int32},
    "undo_excused": {"run_id": pl.String, "is_own": pl.Boolean},
    "undo_fitting_runs": {"run_id": pl.String},
    "undo_forget_files": _FILES,
    "undo_hold": {"entity": pl.String, "id": pl.Int32},
    "undo_listens": _LISTENS,
    "undo_preview": {"entity": pl.String, "removed": pl.Int64, "kept": pl.Int64},
    "undo_reached": {"reached": pl.Int64},
    "undo_removed": {"removed": pl.Int64},
    "undo_run": {
        "user_id": pl.Int32,
        "source": pl.String,
        "undone_by": pl.String,
        "is_undone": pl.Boolean,
        "inserted": pl.Int64,
    },
    "undo_tracks": _CHANGED,
    "users": {"id": pl.Int32, "username": pl.String},
    "verify/albums_without_artist": {"id": pl.Int32, "title": pl.String},
    "verify/albums_without_tracks": {"id": pl.Int32, "title": pl.String},
    "verify/artists_without_tracks": {"id": pl.Int32, "name": pl.String},
    "verify/broken_references": {"entity": pl.String, "id": pl.Int64, "parent": pl.String},
    "verify/credits_without_track": {"album_id": pl.Int32, "artist_id": pl.Int32},
    "verify/dangling_references": {
        "entity": pl.String,
        "parent": pl.String,
        "missing": pl.String,
        "rows": pl.Int64,
    },
    "verify/duplicate_albums": {"title": pl.String, "artist_id": pl.Int32, "ids": IDS},
    "verify/duplicate_artists": {"name": pl.String, "ids": IDS},
    "verify/duplicate_tracks": {"title": pl.String, "album_id": pl.Int32, "ids": IDS},
    "verify/integrity": {"finding": pl.String},
    "verify/misled_lookups": {"lookup_key": pl.String, "track_id": pl.Int32, "track_of_that_name": pl.Int32},
    "verify/nameless": {"entity": pl.String, "id": pl.Int32},
    "verify/several_names": {"entity": pl.String, "id": pl.Int32, "names": NAMES},
    "verify/torn_lookups": {
        "lookup_key": pl.String,
        "artist_id": pl.Int32,
        "album_id": pl.Int32,
        "track_id": pl.Int32,
        "album_of_track": pl.Int32,
    },
    "verify/tracks_without_artist": {"id": pl.Int32, "title": pl.String, "listens": pl.Int64},
    "verify/tracks_without_listens": {"id": pl.Int32, "title": pl.String},
    "verify/unbalanced_runs": {"run_id": pl.String, "inserted": pl.Int64, "inserted_by_batches": pl.Int64},
    "verify/unvouched_lookups": {"lookup_key": pl.String, "track_id": pl.Int32},
    "verify/wrong_types": {"entity": pl.String, "id": pl.Int64, "stored": pl.String},
}

RESULTS = {name: pl.Schema(columns) for name, columns in _COLUMNS.items()}
"""Schemas by name of statement; ``verify/<name>`` are the checks of a whole database."""
