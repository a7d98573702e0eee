"""Makes msgspec decoders, one at a time.

msgspec describes a Struct type at its first use, and keeps the description on the type. If another thread uses the type
while it is being described, the process crashes (msgspec 0.22). So only this module may be the first to use a type.
"""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, overload

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_FIRST_USE = threading.Lock()


@overload
def json_decoder(shape: type[T]) -> msgspec.json.Decoder[T]: ...
@overload
def json_decoder(shape: object) -> msgspec.json.Decoder[Any]: ...
def json_decoder(shape: object) -> msgspec.json.Decoder[Any]:
    """Return a decoder of JSON for ``shape``: a type made of Structs, lists and plain types. Any thread may ask."""
    with _FIRST_USE:
        return msgspec.json.Decoder(shape, strict=False)


def converter(shape: type[T]) -> Callable[[Any], T]:
    """Return a function that turns what JSON can hold into ``shape``; see ``json_decoder``. Any thread may ask."""
    json_decoder(shape)
    return partial(msgspec.convert, type=shape)
