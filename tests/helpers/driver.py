"""Makes the driver read a database's types once per address, instead of at every connect, which takes 20 ms.

Every connection is as real as before; only the driver's table of types is kept.
"""

from __future__ import annotations

from functools import lru_cache

import adbc_driver_postgresql
from adbc_driver_manager import AdbcDatabase

_learn = adbc_driver_postgresql.connect
_driver_path = adbc_driver_postgresql._driver_path


class _Kept(AdbcDatabase):
    """The driver's database object, which outlives the connections."""

    def close(self) -> None:
        """Do nothing: it stays open for the next connection."""

    def __del__(self) -> None:
        super().close()


@lru_cache(maxsize=8)
def _known(uri: str) -> AdbcDatabase:
    return _Kept(driver=_driver_path(), uri=uri)


def _connect(uri: str, db_kwargs: dict[str, str] | None = None) -> AdbcDatabase:
    return _learn(uri, db_kwargs) if db_kwargs else _known(uri)


def learn_once() -> None:
    """Make all connections of this process share the types that the driver has read."""
    adbc_driver_postgresql.connect = _connect
