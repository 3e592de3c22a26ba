"""Which images are the same, or nearly the same.

Exact: the same decoded pixels. Near: perceptual hashes (Zauner 2010: the signs of the 63 lowest
DCT coefficients of a 32 × 32 grey picture against their median) a few bits apart, confirmed on
16 × 16 grey thumbnails with the mean taken out, since plain pictures share hashes by chance.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

SIDE = 32
LOW = 8
THUMB = 16
GREY = np.asarray([0.299, 0.587, 0.114])
MAX_DISTANCE = 6
MAX_DIFFERENCE = 3.0
BITS = 64


@dataclass(frozen=True)
class Likeness:
    """What is kept of an image: digest of its pixels, 64-bit hash, float32 thumbnail 16 × 16."""

    digest: str
    phash: int
    thumb: NDArray[np.float32]


@lru_cache(maxsize=1)
def _dct() -> NDArray[np.float64]:
    """DCT-II matrix, the lowest 8 of 32 frequencies."""
    k, n = np.mgrid[:LOW, :SIDE]
    return np.asarray(np.cos(np.pi * k * (2 * n + 1) / (2 * SIDE)))


def likeness(pixels: NDArray[np.uint8], digest: str) -> Likeness:
    """Describe an image. ``pixels``: uint8 [height, width, 3]."""
    from PIL import Image

    grey = Image.fromarray(np.asarray(pixels @ GREY, dtype=np.uint8))
    small = np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.BOX), dtype=np.float64)
    coefficients = (_dct() @ small @ _dct().T).ravel()[1:]
    bits = coefficients > np.median(coefficients)
    phash = int("".join("1" if bit else "0" for bit in bits), 2)
    blocks = small.reshape(THUMB, SIDE // THUMB, THUMB, SIDE // THUMB).mean(axis=(1, 3))
    return Likeness(digest, phash, np.asarray(blocks - blocks.mean(), dtype=np.float32))


def distance(first: Likeness, second: Likeness) -> int:
    """Bits in which two hashes differ."""
    return (first.phash ^ second.phash).bit_count()


def difference(first: Likeness, second: Likeness) -> float:
    """Mean absolute difference of two thumbnails, in grey levels of 0 … 255."""
    return float(np.abs(first.thumb - second.thumb).mean())


def alike(
    images: list[Likeness],
    max_distance: int = MAX_DISTANCE,
    max_difference: float = MAX_DIFFERENCE,
) -> Iterator[tuple[int, int]]:
    """Pairs (earlier, later) of equal or nearly equal images, each later one once or more.

    Candidates are found by bands: of ``max_distance + 1`` parts of the hash, two hashes that
    differ in at most ``max_distance`` bits agree in at least one. An exact copy is compared with
    the first of its kind only.
    """
    first: dict[str, int] = {}
    bands: list[dict[int, list[int]]] = [defaultdict(list) for _ in range(max_distance + 1)]
    edges = np.linspace(0, BITS, max_distance + 2).astype(int)
    for index, image in enumerate(images):
        if image.digest in first:
            yield first[image.digest], index
            continue
        first[image.digest] = index
        candidates: set[int] = set()
        for band, low, high in zip(bands, edges[:-1], edges[1:], strict=True):
            part = (image.phash >> int(low)) & ((1 << int(high - low)) - 1)
            candidates.update(band[part])
            band[part].append(index)
        for other in sorted(candidates):
            near = distance(images[other], image) <= max_distance
            if near and difference(images[other], image) <= max_difference:
                yield other, index
