"""Arrow's extension types as plain ones: UUIDs are text, the others what they are stored as."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)
_DASHES = (8, 13, 18, 23)
_LENGTH = 36


def unwrapped(array: Any) -> Any:
    """An array of an extension type without it; any other array as it is."""
    while isinstance(array.type, pa.BaseExtensionType):
        if isinstance(array.type, pa.UuidType):
            return _uuids(array.storage)
        boolean = isinstance(array.type, pa.Bool8Type)
        array = array.storage.cast(pa.bool_()) if boolean else array.storage
    return array


def _uuids(storage: Any) -> Any:
    """Text as RFC 9562 writes it, in lower case.

    Args:
        storage: Fixed-size binary of 16 bytes each.
    """
    count = len(storage)
    if not count:
        return pa.array([], pa.string())
    octets = np.frombuffer(storage.buffers()[1], np.uint8, count * 16, storage.offset * 16)
    digits = np.empty((count, 32), np.uint8)
    digits[:, 0::2] = _HEX[octets >> 4].reshape(count, 16)
    digits[:, 1::2] = _HEX[octets & 15].reshape(count, 16)
    signs = np.full((count, _LENGTH), ord("-"), np.uint8)
    signs[:, [at for at in range(_LENGTH) if at not in _DASHES]] = digits
    offsets = np.arange(count + 1, dtype=np.int32) * _LENGTH
    texts = pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(signs))
    return pc.if_else(storage.is_valid(), texts, None)
