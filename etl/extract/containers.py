"""Lists and reads what zip, tar and gzip files contain, without unpacking them."""

from __future__ import annotations

import re
import tarfile
import threading
import zipfile
from functools import cached_property
from pathlib import PurePath
from typing import TYPE_CHECKING, Protocol

import msgspec

from etl.core.errors import BrokenFileError
from etl.extract.random_access import GZIP, GZIP_MAGIC, RAW_DEFLATE, Inflated, Part, Stream
from etl.parsers.workbook import is_workbook

if TYPE_CHECKING:
    from collections.abc import Sequence

    from etl.extract.random_access import Source

MAX_MEMBERS = 100_000
MAX_BYTES = 4 * 1024**3
BOMB_BYTES = 50 * 1024**2
BOMB_RATIO = 200
HEAD_BYTES = 512
"""How many bytes of the start of a file are needed to recognise a container."""

_ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
_TAR_MAGIC = slice(257, 262), b"ustar"
_DOCUMENTS = frozenset(
    {".apk", ".docx", ".epub", ".jar", ".key", ".numbers", ".odp", ".ods", ".odt", ".pages", ".pptx", ".xlsm", ".xlsx"}
)
"""Suffixes of files that are technically zips, but documents or programs to their users."""
_PACKED_TARS = (".tgz", ".tar.gz")
"""Suffixes by which a tar without files is recognised, because it contains only zeros."""
_ENCRYPTED = 0x1
_LOCAL_HEADER = 30  # its size in bytes, before the name
_METHODS = {0: "stored", 8: "deflated", 12: "bzip2", 14: "LZMA"}
"""The compression methods of zips that Python reads."""
_OTHER_METHODS = {9: "Deflate64", 93: "Zstandard", 95: "XZ", 98: "PPMd"}
_MOST_AT_ONCE = 1 << 24  # bytes of headers in a tar


class Entry(msgspec.Struct, frozen=True):
    """A file in a container."""

    name: str
    size: int
    """In bytes. For a gzip file on disk, this is what the file says, which may be wrong."""
    problem: str | None = None
    """Why it must not be read."""
    is_regular: bool = True
    """Whether it is a regular file, and not something else such as a link in a tar."""


class Container(Protocol):
    """A file that contains others. Several threads may read it at the same time."""

    @property
    def entries(self) -> Sequence[Entry]:
        """The files in it."""

    def read(self, name: str, size: int = -1) -> bytes:
        """Return a member, or its first ``size`` bytes. Raises ``KeyError`` if no member has that name."""

    def source(self, name: str) -> Source:
        """Return a member that is a container itself. Raises ``BrokenFileError`` if that cannot be read in place."""


class Zip:
    """A zip archive."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._zip = zipfile.ZipFile(Stream(source))
        self._lock = threading.Lock()  # an open zip counts its readers

    @cached_property
    def entries(self) -> Sequence[Entry]:
        """See ``Container``."""
        infos = self._zip.infolist()
        _check_number(len(infos))
        files = [info for info in infos if not info.filename.endswith("/")]  # is_dir() fails for an empty name
        return [Entry(info.filename, info.file_size, _problem(info)) for info in files]

    def read(self, name: str, size: int = -1) -> bytes:
        """See ``Container``."""
        with self._lock:
            member = self._zip.open(name)
        try:
            return member.read(size)
        finally:
            with self._lock:
                member.close()

    def source(self, name: str) -> Source:
        """See ``Container``."""
        info = self._zip.getinfo(name)
        packed = Part(self._source, self._data_offset(info), info.compress_size)
        if info.compress_type == zipfile.ZIP_STORED:
            return packed
        if info.compress_type == zipfile.ZIP_DEFLATED:
            return Inflated(packed, RAW_DEFLATE, info.file_size, info.file_size)
        raise BrokenFileError(
            f"it is an archive compressed with {_METHODS[info.compress_type]} inside another archive: unpack it first"
        )

    def _data_offset(self, info: zipfile.ZipInfo) -> int:
        """Return where a member's data begins: after its local header, its name and an extra field."""
        start = info.header_offset
        lengths = self._source.read_at(start + _LOCAL_HEADER - 4, 4)
        return start + _LOCAL_HEADER + int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little")


class Tar:
    """A tar archive, which may be compressed with gzip."""

    def __init__(self, source: Source) -> None:
        self._source = source

    @cached_property
    def _members(self) -> list[tuple[Entry, int]]:
        """The files in it, and where the data of each begins."""
        found: list[tuple[Entry, int]] = []
        with tarfile.open(fileobj=_Headers(self._source), mode="r:") as archive:
            for info in archive:
                _check_number(len(found) + 1)
                is_regular = info.isreg() and not info.issparse()
                entry = Entry(info.name, info.size, _problem_with(info.name, info.size), is_regular)
                if not info.isdir():
                    found.append((entry, info.offset_data))
        if isinstance(self._source, Inflated):
            _ = self._source.size  # reads up to the checksum at the end
        return found

    @cached_property
    def entries(self) -> Sequence[Entry]:
        """See ``Container``."""
        return [entry for entry, _ in self._members]

    def read(self, name: str, size: int = -1) -> bytes:
        """See ``Container``."""
        part = self._part(name)
        return part.read_at(0, part.size if size < 0 else size)

    def source(self, name: str) -> Source:
        """See ``Container``."""
        return self._part(name)

    @cached_property
    def _parts(self) -> dict[str, Part]:
        return {entry.name: Part(self._source, start, entry.size) for entry, start in reversed(self._members)}

    def _part(self, name: str) -> Part:
        return self._parts[name]


class Gzip:
    """A gzip file that is not a tar. It contains one file, with the name that gunzip would give it."""

    def __init__(self, data: Inflated, size: int, name: str) -> None:
        self._data = data
        self.entries: Sequence[Entry] = [Entry(name[:-3] if name.lower().endswith(".gz") and name[:-3] else name, size)]

    def read(self, name: str, size: int = -1) -> bytes:
        """See ``Container``."""
        return self.source(name).read_at(0, self._data.size if size < 0 else size)

    def source(self, name: str) -> Source:
        """See ``Container``."""
        if name != self.entries[0].name:
            raise KeyError(name)
        return self._data


class _Headers(Stream):
    """The headers of a tar. Headers longer than any export has must not fill the memory."""

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _MOST_AT_ONCE:
            raise tarfile.ReadError(f"a header takes {size:,} bytes")
        return super().read(size) or b""


def is_container(name: str, head: bytes, *, typed: bool = False) -> bool:
    """Say whether a file is a container, by its name and its first ``HEAD_BYTES`` bytes.

    A zip must have the suffix of one, or none, unless the user ``typed`` its path: many documents are technically zips.
    """
    lower = name.lower()
    suffix = PurePath(lower).suffix
    if lower.endswith((".zip", ".tar")) or _is_tar(head) or head.startswith(GZIP_MAGIC):
        return True
    is_zip = head.startswith(_ZIP_MAGIC) and not is_workbook(head)
    return is_zip and (not suffix or (typed and suffix not in _DOCUMENTS))


def has_magic(head: bytes) -> bool:
    """Say whether a file starts as a container does, whatever its name."""
    return head.startswith((*_ZIP_MAGIC, GZIP_MAGIC)) or _is_tar(head)


def may_be_container(name: str) -> bool:
    """Say whether a file inside a container may itself be one, by its name."""
    return name.lower().endswith((".zip", ".tar", ".gz", ".tgz"))


def open_container(source: Source, name: str, *, is_nested: bool) -> Container:
    """Open the container ``source`` called ``name``. Raises what zipfile, tarfile and zlib raise for a damaged one."""
    head = source.read_at(0, HEAD_BYTES)
    if head.startswith(GZIP_MAGIC):
        most = max(BOMB_BYTES, BOMB_RATIO * source.size)
        inflated = Inflated(source, GZIP, most)
        inside = inflated.read_at(0, HEAD_BYTES)
        if _is_tar(inside) or (name.lower().endswith(_PACKED_TARS) and inside == bytes(HEAD_BYTES)):
            return Tar(inflated)
        # On disk, the size that the file states is good enough, as it is limited. Many in one archive must be measured.
        said = int.from_bytes(source.read_at(max(0, source.size - 4), 4), "little")
        return Gzip(inflated, inflated.size if is_nested else min(said, most), name)
    if _is_tar(head) or name.lower().endswith(".tar"):
        return Tar(source)
    return Zip(source)


def split_member(name: str) -> tuple[str, ...]:
    """Split the name of a member; zips made on Windows may have backslashes."""
    return tuple(re.split(r"[/\\]", name.rstrip("/\\")))


def _is_tar(head: bytes) -> bool:
    where, magic = _TAR_MAGIC
    return head[where] == magic


def _check_number(members: int) -> None:
    if members > MAX_MEMBERS:
        raise BrokenFileError(f"it holds more than {MAX_MEMBERS:,} files")


def _problem(info: zipfile.ZipInfo) -> str | None:
    """Return why a member of a zip must not be read, judging by the zip's directory alone."""
    if problem := _problem_with(info.filename, info.file_size):
        return problem
    if info.flag_bits & _ENCRYPTED:
        return "it is encrypted: unzip it with its password first, and give the folder"
    if info.compress_type not in _METHODS:
        method = _OTHER_METHODS.get(info.compress_type, f"method {info.compress_type}")
        return f"it is compressed with {method}, which this program cannot read: unzip it and give the folder"
    if info.file_size > BOMB_BYTES and info.file_size > BOMB_RATIO * info.compress_size:
        return f"it grows from {info.compress_size:,} to {info.file_size:,} bytes, which no export does"
    return None


def _problem_with(name: str, size: int) -> str | None:
    parts = split_member(name)
    if not name:
        return "it has no name"
    if ".." in parts or parts[0] == "" or re.match(r"[A-Za-z]:", name):
        return "its name leads out of the archive"
    return f"it is larger than {MAX_BYTES // 1024**3} GB" if size > MAX_BYTES else None
