"""What all generated photos have in common: light, blur and noise, EXIF, days, and what goes wrong.

An :class:`Album` says what is drawn and what its labels are; a photo of it is a JPEG as a phone
writes it, with the camera, the time and the place. Some of a lake's photos are broken, as real ones
are: a file cut off, a label that nobody knows, and copies that were recompressed, resized or made
brighter.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter

from tasks.lake.partitions import partition_prefix

PHOTO = (120, 90)
"""Width and height, pixels."""
QUALITY = 80
DAYLIGHT = (2.0, 9.0)
"""Deviation of the grain of photos that are taken by day."""
SMALL = 0.7
"""Size of a copy that was resized."""
Rng = np.random.Generator
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class PhotoShift:
    """How the photos changed, for a drift story; the default is no change.

    Args:
        light: Factor on their brightness (another season, another camera).
        leaning: Share of the photos that show the album's first label and no other.
    """

    light: float = 1.0
    leaning: float = 0.0


@dataclass(frozen=True)
class Album:
    """Photos of one data set.

    Args:
        dataset: Its name.
        labels: All labels; the first is the one that a shift leans to.
        draw: A picture of a label, or of a list of them.
        column: The label's column.
        choose: The labels of a photo that may have any number; None where it has one.
        leaning: The labels of a photo that shows the first label and no other; None where the name
            of that label is all there is to it.
        mislabelled: Labels that the contract sets aside, by what is wrong with them.
    """

    dataset: str
    labels: tuple[str, ...]
    draw: Callable[[Any, Rng], Image.Image]
    column: str = "label"
    choose: Callable[[Rng], list[Any]] | None = None
    leaning: Callable[[Rng], list[Any]] | None = None
    mislabelled: Mapping[str, Any] = field(default_factory=dict)


def photos(
    album: Album,
    count: int,
    seed: int = 0,
    day: date = date(2026, 1, 1),
    shift: PhotoShift | None = None,
) -> Iterator[tuple[Any, bytes]]:
    """Label (or sorted list of labels) and JPEG of ``count`` photos, EXIF included.

    Args:
        album: What they show; a single label comes in turn.
        count: Number of photos.
        seed: Same seed, same bytes.
        day: Day in the EXIF.
        shift: How they differ from the usual.
    """
    change = shift or PhotoShift()
    rng = np.random.default_rng((seed, count))
    for number in range(count):
        made_at = exif(rng, datetime(day.year, day.month, day.day, 12, tzinfo=UTC))
        label = _label(album, number, rng, change.leaning)
        image = album.draw(label, rng)
        if change.light != 1:
            image = ImageEnhance.Brightness(image).enhance(change.light)
        yield label, jpeg(image, made_at)


def write_photos(
    root: Path,
    album: Album,
    count: int,
    start: date,
    days: int,
    seed: int = 0,
    shift: PhotoShift | None = None,
    defects: float = 0.0,
) -> list[Path]:
    """Write photos with one ``labels.jsonl`` per day under ``root/<data set>``; returns the files.

    Args:
        root: Folder shaped like the lake.
        album: What the photos show.
        count: Number of photos, spread evenly over the days.
        start: First day.
        days: Number of days.
        seed: Same seed, same bytes.
        shift: How they differ from the usual.
        defects: Share of lines to which something is added that the contract sets aside: a file
            that is cut off, an unknown label (or what else is wrong with labels of this album), and
            copies, recompressed, resized and brighter.
    """
    written = []
    for offset, part in enumerate(np.array_split(np.arange(count), days)):
        if not len(part):
            continue
        day = start + timedelta(days=offset)
        folder = root / album.dataset / partition_prefix("", day)
        folder.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng((seed + offset, count, 1))
        lines: list[str] = []

        def add(name: str, label: Any, body: bytes, to: Path = folder, of: Any = lines) -> None:
            (to / name).write_bytes(body)
            written.append(to / name)
            of.append(json.dumps({"file": name, album.column: label}))

        for number, (label, body) in enumerate(photos(album, len(part), seed + offset, day, shift)):
            name = f"{day:%Y%m%d}-{number:04d}"
            add(f"{name}.jpg", label, body)
            if rng.random() < defects:
                kinds = tuple(dict.fromkeys((*_DEFECTS, *album.mislabelled)))
                kind = kinds[int(rng.integers(len(kinds)))]
                add(f"{name}-{kind}.jpg", *_spoilt(kind, album, label, body))
        index = folder / "labels.jsonl"
        index.write_text("\n".join(lines) + "\n", encoding="utf-8")
        written.append(index)
    return written


def taken(image: Image.Image, rng: Rng, grain: tuple[float, float] = (4, 18)) -> Image.Image:
    """The picture as a camera has it: from either side, not always sharp, in any light, grainy."""
    if rng.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return exposed(image, rng, grain)


def exposed(image: Image.Image, rng: Rng, grain: tuple[float, float] = (4, 18)) -> Image.Image:
    """The same from the side that it was drawn from, for what must stay in its place."""
    if rng.random() < 0.3:
        image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.4, 1.2))))
    values = np.asarray(image, dtype=np.float32) * rng.uniform(0.7, 1.2)
    values += rng.normal(0, rng.uniform(*grain), values.shape)
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def lit(image: Image.Image, rng: Rng) -> Image.Image:
    """Light from one side, as a window or the sun gives it."""
    height, width = image.height, image.width
    down, across = np.mgrid[-0.5 : 0.5 : height * 1j, -0.5 : 0.5 : width * 1j]
    slope = 1 + rng.uniform(-0.5, 0.5) * down + rng.uniform(-0.5, 0.5) * across
    values: NDArray[np.float64] = np.asarray(image) * slope[:, :, None]
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def colour(rng: Rng, low: int, high: int, spread: float = 22) -> Colour:
    """A colour of a brightness between ``low`` and ``high``; ``spread`` of 0 … 255 makes hues."""
    base = rng.uniform(low, high)
    red, green, blue = np.clip(base + rng.normal(0, spread, 3), 0, 255).astype(int).tolist()
    return red, green, blue


def exif(rng: Rng, moment: datetime) -> Image.Exif:
    """What a phone writes beside the pixels: its maker and model, the time, the place."""
    tags = Image.Exif()
    tags[0x010F] = "Sluice Optics"
    tags[0x0110] = f"Phone {rng.integers(10, 20)}"
    tags[0x0132] = f"{moment:%Y:%m:%d %H:%M:%S}"
    place = tags.get_ifd(0x8825)
    place[1], place[3] = "N", "W"
    place[2] = (47.0, float(rng.integers(20, 50)), float(rng.integers(0, 60)))
    place[4] = (122.0, float(rng.integers(0, 30)), float(rng.integers(0, 60)))
    return tags


def jpeg(image: Image.Image, tags: Image.Exif | None = None, quality: int = QUALITY) -> bytes:
    """The file."""
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality, exif=tags or Image.Exif())
    return out.getvalue()


def _label(album: Album, number: int, rng: Rng, leaning: float) -> Any:
    leans = bool(leaning) and rng.random() < leaning
    if album.choose is None:
        return album.labels[0 if leans else number % len(album.labels)]
    if leans:
        return [album.labels[0]] if album.leaning is None else album.leaning(rng)
    return album.choose(rng)


def _spoilt(kind: str, album: Album, label: Any, body: bytes) -> tuple[Any, bytes]:
    if kind == "cut":
        return label, body[: len(body) // 3]
    if kind in album.mislabelled:
        return album.mislabelled[kind], body
    if kind == "unknown":
        return ("attic" if album.choose is None else ["attic"]), body
    with Image.open(io.BytesIO(body)) as image:
        if kind == "small":
            size = (round(image.width * SMALL), round(image.height * SMALL))
            return label, jpeg(image.resize(size), quality=90)
        if kind == "brighter":
            return label, jpeg(ImageEnhance.Brightness(image).enhance(1.15), quality=90)
        return label, jpeg(image, quality=50)


_DEFECTS = ("cut", "unknown", "recompressed", "small", "brighter")
