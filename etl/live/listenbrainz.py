"""What clients submit to ListenBrainz, as live listens. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etl.core.errors import BrokenFileError, InputError
from etl.formats.bodies import read_bodies
from etl.live.listen import judge_frame

if TYPE_CHECKING:
    from etl.live.listen import Ready, Submitted
    from etl.normalize.listens import Rules

_HINT = (
    'Give {"listen_type":"single","payload":[{"listened_at":SECONDS,'
    '"track_metadata":{"artist_name":"NAME","track_name":"TITLE"}}]}'
)


def judge_bodies(data: bytes, rules: Rules) -> list[Ready | Submitted]:
    """Return each listen of the bodies in ``data``, in order: ready to be stored, or what is wrong with it.

    Raises ``InputError`` where there is no listen to be found.
    """
    try:
        rows = read_bodies(data)
    except BrokenFileError as error:
        raise InputError(f"the input is no ListenBrainz submission: {error.message}", _HINT) from error
    if rows.is_empty():
        raise InputError("the input holds no listen", _HINT)
    return judge_frame(rows, rules)
