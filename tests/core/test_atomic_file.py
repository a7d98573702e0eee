"""Files that users name as outputs: complete or not there, and nothing else of theirs is replaced."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from etl.core.atomic_file import atomic_file
from etl.core.errors import SettingsError
from etl.pipeline.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def write(path: Path) -> None:
    with atomic_file(path) as partial:
        partial.path.write_text("new", encoding="utf-8")


def record(path: Path) -> None:
    with Metrics(path):
        pass


@pytest.mark.parametrize("write_to", [write, record])
def test_a_pipe_is_refused_and_stays(tmp_path: Path, write_to: Callable[[Path], None]) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "link").symlink_to(pipe)
    for path in (pipe, tmp_path / "link"):
        with pytest.raises(SettingsError, match="is not a regular file"):
            write_to(path)
    assert pipe.is_fifo()


@pytest.mark.parametrize("write_to", [write, record])
@pytest.mark.parametrize("before", ["old", None])
def test_a_link_stays_and_its_file_is_replaced(
    tmp_path: Path, write_to: Callable[[Path], None], before: str | None
) -> None:
    (tmp_path / "folder").mkdir()
    file = tmp_path / "folder" / "file"
    if before:
        file.write_text(before, encoding="utf-8")
    link = tmp_path / "link"
    link.symlink_to(file)
    write_to(link)
    assert link.is_symlink()
    assert file.read_text(encoding="utf-8") not in ("", before)
    assert [path.name for path in file.parent.iterdir()] == ["file"]
