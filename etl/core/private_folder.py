"""Creates the folders of the home with access for their owner only, whatever the umask."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def make_private(folder: Path, home: Path) -> None:
    """Create ``folder`` with mode 0700, and ``home`` too if it is missing. Folders that exist are not changed.

    Folders above the home are created with mode 0755, minus the umask. Raises ``OSError``.
    """
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    for place in reversed(missing):
        with suppress(FileExistsError):  # another run has just created it
            place.mkdir(0o700 if place.is_relative_to(home) else 0o755)
