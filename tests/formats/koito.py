"""Writes exports as Koito does, with the account's name unescaped."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


def alias(name: str | None, source: str = "Canonical", *, primary: bool = True) -> dict[str, Any]:
    return {"alias": name, "source": source, "is_primary": primary}


def artist(*names: str | dict[str, Any], mbid: str | None = None, primary: bool = False) -> dict[str, Any]:
    return {"image_url": "", "mbid": mbid, "is_primary": primary, "aliases": _aliases(names)}


def album(*names: str | dict[str, Any], mbid: str | None = None, various: bool = False) -> dict[str, Any]:
    return {"image_url": "", "mbid": mbid, "aliases": _aliases(names), "various_artists": various}


def track(*names: str | dict[str, Any], mbid: str | None = None, duration: int = 0) -> dict[str, Any]:
    return {"mbid": mbid, "duration": duration, "aliases": _aliases(names)}


def listen(time: str | int = 0, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 (any JSON value)
    """Return a listen at ``time``, or as many seconds after 2020-01-01."""
    plain = {"track": track("Low Tide"), "album": album("Paper Lanterns"), "artists": [artist("Ochre & Ivy")]}
    at = f"2020-01-01T{time // 3600:02}:{time // 60 % 60:02}:{time % 60:02}Z" if isinstance(time, int) else time
    return {"listened_at": at, "client": "", **plain, **fields}


def export(listens: Sequence[dict[str, Any]], user: str = "listener", version: str = "1") -> bytes:
    head = f'{{"version":"{version}","exported_at":"2026-05-01T00:00:00Z","user":"{user}","listens":['
    return (head + ",".join(json.dumps(row, ensure_ascii=False) for row in listens) + "]}").encode()


def _aliases(names: Sequence[str | dict[str, Any]]) -> list[dict[str, Any]]:
    return [alias(name) if isinstance(name, str) else name for name in names]
