"""Finds the companion files of an export: files next to it that complete its rows.

*Next to* means in the same folder, on disk or in an archive, or in archives in that folder with a companion's name.
A companion that cannot be read is ignored here; the list of files says why.
"""

from __future__ import annotations

import hashlib
from pathlib import PurePath
from typing import TYPE_CHECKING

from etl.core.errors import BrokenFileError
from etl.core.sanitize import display_path
from etl.extract.archive import InputFile, list_members
from etl.extract.containers import may_be_container, split_member
from etl.extract.memory import per_byte
from etl.formats import Companions, name_matches

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from etl.formats import Companion, Format


def read_companions(export: InputFile, kind: Format) -> Companions:
    """Return the files next to ``export`` that a reader of its ``kind`` looks at."""
    if not kind.companions:
        return Companions()
    found = {(one.name, data) for file in _candidates(export, kind.companions) for one, data in _read(file, kind)}
    if not found:
        return Companions()
    hashed = sorted((name, hashlib.sha256(data).hexdigest(), data) for name, data in found)
    digest = hashlib.sha256("".join(f"{name} {sha256}\n" for name, sha256, _ in hashed).encode()).hexdigest()
    return Companions(tuple((name, data) for name, _, data in hashed), digest)


def _read(file: InputFile, kind: Format) -> Iterator[tuple[Companion, bytes]]:
    """Yield which companion a file is, and its bytes, if it is one and can be read."""
    try:
        peek = file.peek()
        for one in kind.companions:
            if one.recognise(peek):
                data = file.read(per_byte(kind))
                one.check(data)
                yield one, data
                return
    except BrokenFileError:
        return


def _candidates(export: InputFile, wanted: Iterable[Companion]) -> Iterator[InputFile]:
    """Yield the files next to ``export`` that may be companions by their names."""
    patterns = [pattern for one in wanted for pattern in one.file_names]
    endings = {PurePath(pattern).suffix.lower() for pattern in patterns}
    for file in _neighbours(export):
        if may_be_container(file.name):
            if name_matches(file.name, patterns):
                yield from _inside(file)
        elif PurePath(file.name).suffix.lower() in endings:
            yield file


def _neighbours(export: InputFile) -> Iterator[InputFile]:
    """Yield the other files in the folder of ``export``."""
    if not export.members:
        yield from (InputFile(display_path(path), path) for path in _files_in(export.location.parent))
        return
    *outer, name = export.members
    folder = split_member(name)[:-1]
    container = InputFile(export.path.removesuffix(f"!{display_path(name)}"), export.location, tuple(outer))
    yield from (file for file in _inside(container) if split_member(file.members[-1])[:-1] == folder)


def _files_in(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_file())
    except OSError:
        return []


def _inside(archive: InputFile) -> Iterator[InputFile]:
    """Yield the files in an archive that may be read."""
    try:
        entries = list_members(archive.location, archive.members)
    except BrokenFileError:
        return
    for entry in entries:
        if entry.problem is None and entry.is_regular:
            path = display_path(f"{archive.path}!{entry.name}")
            yield InputFile(path, archive.location, (*archive.members, entry.name), entry.size)
