"""Makes files look as if they had arrived a while ago: an inbox ignores files that have just changed."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def age_all(folder: Path) -> None:
    """Set back the modification time of all files below ``folder``."""
    for path in folder.rglob("*"):
        if path.is_file():
            age(path)


def age(path: Path, seconds: float = 3600) -> Path:
    """Set back the modification time of ``path`` and return it."""
    moment = time.time() - seconds
    os.utime(path, (moment, moment))
    return path
