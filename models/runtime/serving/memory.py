"""Memory that large requests leave behind, and how it is kept from staying."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress

COLLECTED = (50_000, 20, 100)
"""After how many new objects Python looks for garbage; its own 700 are few for a body's values."""
MAPPED_BYTES = 4 * 1024 * 1024
_M_MMAP_THRESHOLD = -3


def settle() -> None:
    """Ready this process for bodies of millions of values and images of hundreds of megabytes.

    To be called once, when all that stays is loaded.
    """
    # Looking through what stays again and again, while a body's values are made, would keep all
    # threads waiting.
    gc.freeze()
    gc.set_threshold(*COLLECTED)
    # glibc takes ever larger blocks from its heaps, where one that is freed leaves a hole; a block
    # of its own goes back to the system. Where there is another libc, nothing has to be done.
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, MAPPED_BYTES)
