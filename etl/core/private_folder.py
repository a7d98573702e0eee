"""Creates folders of the home that no other account can enter, whatever the umask."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def make_private(folder: Path, home: Path) -> None:
    """Create ``folder`` with mode 0700, and ``home`` as well where it is missing. What exists is left as it is.

    Folders above the home are created with mode 0755, less what the umask takes away. Raises ``OSError``.
    """
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    for place in reversed(missing):
        with suppress(FileExistsError):  # another run was faster
            place.mkdir(0o700 if place.is_relative_to(home) else 0o755)
