"""Recognises errors that mean that there is no network, after which a retry is useless."""

from __future__ import annotations

import errno
import socket

from etl.core.errors import EtlError, ExitCode

_NO_NETWORK = frozenset({errno.ENETUNREACH, errno.ENETDOWN})


class OfflineError(EtlError):
    """A host's name cannot be resolved, or no network leads to it. It ends the run."""

    exit_code = ExitCode.DATABASE

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(
            f"{host} cannot be reached: {reason}",
            "Check the network connection, then run the same command again: it continues where it stopped",
        )


def is_offline(error: BaseException | None) -> bool:
    """Return whether ``error`` was caused by a name that was not resolved, or by the lack of a network."""
    while error is not None:
        if isinstance(error, socket.gaierror) or (isinstance(error, OSError) and error.errno in _NO_NETWORK):
            return True
        error = error.__cause__ or error.__context__
    return False
