"""Lets the driver learn a database's types once: it does at every connect, 20 ms each of the test's time.

Every connection is as real as before; what is kept is the driver's table of types, for each address.
"""

from __future__ import annotations

from functools import lru_cache

import adbc_driver_postgresql
from adbc_driver_manager import AdbcDatabase

_learn = adbc_driver_postgresql.connect
_driver_path = adbc_driver_postgresql._driver_path


class _Kept(AdbcDatabase):
    """What the driver knows of a database; it outlives the connections."""

    def close(self) -> None:
        """Leave it open for the next connection."""

    def __del__(self) -> None:
        super().close()


@lru_cache(maxsize=8)
def _known(uri: str) -> AdbcDatabase:
    return _Kept(driver=_driver_path(), uri=uri)


def _connect(uri: str, db_kwargs: dict[str, str] | None = None) -> AdbcDatabase:
    return _learn(uri, db_kwargs) if db_kwargs else _known(uri)


def learn_once() -> None:
    """Have connections of this process share what the driver learns."""
    adbc_driver_postgresql.connect = _connect
