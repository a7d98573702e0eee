"""Makes msgspec decoders, one at a time.

msgspec describes a Struct type at its first use, and keeps the description on the type. If another thread uses the type
while it is being described, the process crashes (msgspec 0.22). So only this module may be the first to use a type.
"""

from __future__ import annotations

import threading
from typing import Any

import msgspec

_FIRST_USE = threading.Lock()


def json_decoder(shape: Any) -> msgspec.json.Decoder[Any]:  # noqa: ANN401 (any type that msgspec knows)
    """Return a decoder of JSON for ``shape``: a type made of Structs, lists and plain types. Any thread may ask."""
    with _FIRST_USE:
        return msgspec.json.Decoder(shape, strict=False)
