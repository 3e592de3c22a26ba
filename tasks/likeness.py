"""Which images are the same, or nearly the same.

Exact: the same decoded pixels. Near: perceptual hashes (Zauner 2010: the signs of the 63 lowest
DCT coefficients of a 32 × 32 grey picture against their median) a few bits apart, confirmed on
16 × 16 grey thumbnails, since plain pictures share hashes by chance. The means of the thumbnails
are taken out and their contrasts brought together, so that a copy that was made brighter is one.

Contracts set later copies aside by this, and a split keeps what is left of them on one side.
"""

from __future__ import annotations

import hashlib
import io
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SIDE = 32
LOW = 8
THUMB = 16
GREY = np.asarray([0.299, 0.587, 0.114])
MAX_DISTANCE = 6
MAX_DIFFERENCE = 3.0
BITS = 64
CORRELATED, FURTHEST = 0.98, 16
"""Of relatives: least correlation of their thumbnails, and most bits between their hashes."""
BLOCK = 512
MOST_GAIN = 1.6
"""Largest factor between the contrasts of two thumbnails that are brought together."""


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


def likeness_of(path: Path) -> Likeness:
    """Describe an image file that is known to be sound; its bytes are its digest."""
    from PIL import Image

    data = path.read_bytes()
    with Image.open(io.BytesIO(data)) as image:
        # libjpeg decodes at a fraction of the size: no more is looked at.
        image.draft("RGB", (2 * SIDE, 2 * SIDE))
        pixels = np.asarray(image.convert("RGB"))
    return likeness(pixels, hashlib.sha256(data).hexdigest())


def distance(first: Likeness, second: Likeness) -> int:
    """Bits in which two hashes differ."""
    return (first.phash ^ second.phash).bit_count()


def difference(first: Likeness, second: Likeness) -> float:
    """Mean absolute difference of two thumbnails, in grey levels of 0 … 255.

    Each is scaled by half of the way (on a logarithmic scale) to the other's contrast, by at most
    what ``MOST_GAIN`` allows, so that neither order nor the direction of a change matters.
    """
    contrasts = [max(float(image.thumb.std()), 1e-6) for image in (first, second)]
    gain = min(max(contrasts[1] / contrasts[0], 1 / MOST_GAIN), MOST_GAIN) ** 0.5
    return float(np.abs(first.thumb * gain - second.thumb / gain).mean())


def alike(
    images: Sequence[Likeness],
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


def families(images: Sequence[Likeness]) -> list[str]:
    """For each image, one digest of all that are related, directly or through others: the smallest.

    Looser than :func:`alike`, because nothing is lost by it: related are equal images, and those
    whose thumbnails correlate and whose hashes are no further apart than ``FURTHEST``. An image
    that has no relative has its own digest.
    """
    of = list(range(len(images)))

    def head(index: int) -> int:
        while of[index] != index:
            of[index] = of[of[index]]
            index = of[index]
        return index

    for one, other in _related(images):
        first, second = sorted((head(one), head(other)), key=lambda at: images[at].digest)
        of[second] = first
    return [images[head(index)].digest for index in range(len(images))]


def _related(images: Sequence[Likeness]) -> Iterator[tuple[int, int]]:
    """Pairs of equal or related images: all are compared with all, a block at a time."""
    first: dict[str, int] = {}
    for index, image in enumerate(images):
        yield first.setdefault(image.digest, index), index
    kept = sorted(first.values())
    if not kept:
        return
    thumbs = np.stack([images[index].thumb.ravel() for index in kept])
    thumbs /= np.maximum(np.linalg.norm(thumbs, axis=1, keepdims=True), 1e-6)
    hashes = np.asarray([images[index].phash for index in kept], dtype=np.uint64)
    for start in range(0, len(kept), BLOCK):
        block = slice(start, start + BLOCK)
        near = thumbs[block] @ thumbs.T >= CORRELATED
        for row, column in zip(*near.nonzero(), strict=True):
            one = start + int(row)
            apart = np.bitwise_count(hashes[one] ^ hashes[column])
            if one < column and apart <= FURTHEST:
                yield kept[one], kept[int(column)]
