"""Data for the demo and the tests, made from a seed: property sales and room photos.

Both come as a folder tree shaped like the lake, ``<root>/<dataset>/year=/month=/day=/…``. The sales
keep the contract of the King County data (``python -m deployments.lake`` loads the real ones);
their prices follow a known law plus noise, so that a model can learn them and a test can tell how
well.
"""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

SALES = "property_sales"
ROOMS = "room_images"
CLASSES = ("bathroom", "bedroom", "dining_room", "kitchen", "living_room")
NOISE = 0.10
"""Standard deviation of log-price that no model can explain: a MAE of about 8 % of the price."""
ZIP_CODES = 30
FIRST_ZIP = 98001
NEW_ZIP = 98901
PHOTO = (120, 90)
Rng = np.random.Generator


@dataclass(frozen=True)
class Shift:
    """How the world changed, for a drift story; the default is no change.

    Args:
        size: Factor on every area (sellers measure differently, or larger houses come up).
        price: Factor on every price, all else being equal (the market moved).
        new_zip_codes: Share of the sales from a district never seen before.
        grade: Points added to the grade (a new appraiser).
    """

    size: float = 1.0
    price: float = 1.0
    new_zip_codes: float = 0.0
    grade: int = 0


def property_sales(
    rows: int, start: date, days: int, seed: int = 0, shift: Shift | None = None
) -> dict[str, NDArray[Any]]:
    """Columns of house sales, sorted by date.

    Args:
        rows: Number of sales, spread evenly over the days.
        start: First day.
        days: Number of days.
        seed: Same seed, same rows.
        shift: How they differ from the usual.

    Returns:
        The 21 columns of the King County table; ``date`` as ``datetime64[D]``.
    """
    change = shift or Shift()
    rng = np.random.default_rng((seed, start.toordinal(), rows))
    day = np.sort(rng.integers(0, days, rows))
    districts = _districts()
    district = rng.choice(ZIP_CODES, rows, p=districts["share"])
    lat = districts["lat"][district] + rng.normal(0, 0.012, rows)
    long = districts["long"][district] + rng.normal(0, 0.016, rows)
    zipcode = FIRST_ZIP + 3 * district
    fresh = rng.random(rows) < change.new_zip_codes
    zipcode = np.where(fresh, NEW_ZIP + rng.integers(0, 4, rows), zipcode)
    lat = np.where(fresh, 47.30 + rng.normal(0, 0.02, rows), lat)
    long = np.where(fresh, -121.75 + rng.normal(0, 0.02, rows), long)

    wealth = rng.normal(0, 1, rows) + districts["wealth"][district]
    living = np.clip(np.exp(7.55 + 0.28 * wealth + rng.normal(0, 0.25, rows)), 370, 12_000)
    living *= change.size
    grade = np.clip(
        np.round(7.6 + 0.9 * wealth + rng.normal(0, 0.5, rows)) + change.grade, 3, 13
    ).astype(np.int64)
    floors = rng.choice([1.0, 1.5, 2.0, 3.0], rows, p=[0.5, 0.1, 0.37, 0.03])
    cellar = np.where(rng.random(rows) < 0.4, rng.uniform(0.1, 0.5, rows), 0.0)
    year_built = np.clip(1900 + 115 * rng.beta(2.2, 1.4, rows), 1900, 2015).astype(np.int64)
    year_renovated = np.where(rng.random(rows) < 0.05, rng.integers(1990, 2016, rows), 0) * (
        year_built < 1985
    )
    lot = np.exp(9.0 + 0.5 * rng.normal(0, 1, rows) - 0.6 * (floors == 3.0)) * change.size
    waterfront = (rng.random(rows) < 0.01).astype(np.int64)
    view = np.where(waterfront == 1, 4, rng.choice(5, rows, p=[0.9, 0.015, 0.045, 0.025, 0.015]))
    condition = rng.choice([1, 2, 3, 4, 5], rows, p=[0.002, 0.008, 0.65, 0.26, 0.08])
    price = np.exp(
        13.0
        + 0.62 * np.log(living / 1_900)
        + 0.11 * (grade - 7.6)
        + 0.05 * (condition - 3.4)
        + 0.06 * view
        + 0.45 * waterfront
        + 0.05 * np.log(lot / 8_000)
        + 0.0012 * np.abs(year_built - 1960)
        + 0.05 * (year_renovated > 0)
        + districts["level"][district]
        + 0.35 * np.sin(8 * (lat - 47.5)) * np.cos(9 * (long + 122.2))
        + 0.03 * day / 365
        + rng.normal(0, NOISE, rows)
    ) * np.where(fresh, 1.6, 1.0)
    living = np.round(living / 10) * 10
    basement = np.round(living * cellar / 10) * 10
    columns: dict[str, NDArray[Any]] = {
        "id": rng.choice(9_000_000_000, rows, replace=False).astype(np.int64) + 1_000_000,
        "date": np.datetime64(start, "D") + day,
        "price": np.round(price * change.price, -2).clip(50_000, 9_000_000),
        "bedrooms": np.clip(np.round(living / 700 + rng.normal(0.5, 0.7, rows)), 1, 9),
        "bathrooms": np.clip(np.round(living / 900 * 4 + rng.normal(0, 1, rows)) / 4, 0.75, 7),
        "sqft_living": living,
        "sqft_lot": np.round(lot),
        "floors": floors,
        "waterfront": waterfront,
        "view": view,
        "condition": condition,
        "grade": grade,
        "sqft_above": living - basement,
        "sqft_basement": basement,
        "yr_built": year_built,
        "yr_renovated": year_renovated,
        "zipcode": zipcode,
        "lat": np.round(lat, 4),
        "long": np.round(long, 3),
        "sqft_living15": np.round(living * np.exp(rng.normal(0, 0.15, rows)) / 10) * 10,
        "sqft_lot15": np.round(lot * np.exp(rng.normal(0, 0.2, rows))),
    }
    real = {"price", "bathrooms", "floors", "lat", "long"}
    return {
        name: values if name in real or name == "date" else values.astype(np.int64)
        for name, values in columns.items()
    }


def write_sales(root: Path, columns: dict[str, NDArray[Any]]) -> list[Path]:
    """Write sales as one Parquet file per day under ``root/property_sales``; returns the files."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = []
    days, starts = np.unique(columns["date"], return_index=True)
    for day, first, last in zip(days, starts, [*starts[1:], len(columns["date"])], strict=True):
        folder = partition(root / SALES, day.astype(object))
        folder.mkdir(parents=True, exist_ok=True)
        table = pa.table({name: values[first:last] for name, values in columns.items()})
        files.append(folder / "sales.parquet")
        pq.write_table(table, files[-1])
    return files


def room_photos(
    count: int, seed: int = 0, day: date = date(2026, 1, 1)
) -> Iterator[tuple[str, bytes]]:
    """Class and JPEG of ``count`` photos, classes in turn, EXIF with place and device included.

    Args:
        count: Number of photos.
        seed: Same seed, same bytes.
        day: Day in the EXIF.
    """
    rng = np.random.default_rng((seed, count))
    for number in range(count):
        name = CLASSES[number % len(CLASSES)]
        exif = _exif(rng, datetime(day.year, day.month, day.day, 12, tzinfo=UTC))
        jpeg = io.BytesIO()
        draw_room(name, rng).save(jpeg, "JPEG", quality=80, exif=exif)
        yield name, jpeg.getvalue()


def write_rooms(root: Path, count: int, start: date, days: int, seed: int = 0) -> list[Path]:
    """Write photos with one ``labels.jsonl`` per day under ``root/room_images``."""
    per_day = [len(part) for part in np.array_split(np.arange(count), days)]
    files = []
    for offset, share in enumerate(per_day):
        if not share:
            continue
        day = start + timedelta(days=offset)
        folder = partition(root / ROOMS, day)
        folder.mkdir(parents=True, exist_ok=True)
        lines = []
        for number, (name, jpeg) in enumerate(room_photos(share, seed + offset, day)):
            file = f"{day:%Y%m%d}-{number:04d}.jpg"
            (folder / file).write_bytes(jpeg)
            files.append(folder / file)
            lines.append(json.dumps({"file": file, "label": name}))
        index = folder / "labels.jsonl"
        index.write_text("\n".join(lines) + "\n", encoding="utf-8")
        files.append(index)
    return files


def partition(folder: Path, day: date) -> Path:
    """The lake's folder of one day."""
    return folder / f"year={day:%Y}" / f"month={day:%m}" / f"day={day:%d}"


def draw_room(name: str, rng: Rng) -> Image.Image:
    """A picture of a room: the thing that tells it, on walls and floor of any colour."""
    width, height = PHOTO
    image = Image.new("RGB", PHOTO, _colour(rng, 150, 240))
    draw = ImageDraw.Draw(image)
    floor = int(height * rng.uniform(0.6, 0.75))
    draw.rectangle((0, floor, width, height), fill=_colour(rng, 70, 170))
    left, scale = rng.uniform(0.02, 0.3) * width, rng.uniform(0.75, 1.1)
    _FURNITURE[name](draw, rng, left, floor, scale)
    if rng.random() < 0.5:
        x = rng.uniform(0.6, 0.85) * width
        draw.rectangle((x, 8, x + 16, 30), fill=(205, 228, 250), outline=(90, 90, 90))
    if rng.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if rng.random() < 0.3:
        image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.4, 1.2))))
    pixels = np.asarray(image, dtype=np.float32) * rng.uniform(0.7, 1.2)
    pixels += rng.normal(0, rng.uniform(4, 18), pixels.shape)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _bathroom(draw: ImageDraw.ImageDraw, rng: Rng, x: float, floor: int, s: float) -> None:
    joint = _colour(rng, 100, 140)
    for row in range(0, floor, 9):
        draw.line((0, row, PHOTO[0], row), fill=joint)
    for column in range(0, PHOTO[0], 9):
        draw.line((column, 0, column, floor), fill=joint)
    mirror = (x + 24 * s, 5, x + 48 * s, 5 + 24 * s)
    draw.ellipse(mirror, fill=(200, 225, 240), outline=(70, 70, 75), width=2)
    draw.rounded_rectangle(
        (x, floor - 16 * s, x + 56 * s, floor + 12 * s), 9, fill=(248, 250, 252), outline=(120,) * 3
    )
    draw.line((x + 6 * s, floor - 16 * s, x + 6 * s, floor - 34 * s), fill=(150, 155, 160), width=3)


def _bedroom(draw: ImageDraw.ImageDraw, rng: Rng, x: float, floor: int, s: float) -> None:
    draw.rectangle((x, floor - 34 * s, x + 5 * s, floor + 14 * s), fill=_colour(rng, 50, 110))
    draw.rectangle((x, floor - 12 * s, x + 70 * s, floor + 10 * s), fill=_colour(rng, 90, 230))
    draw.ellipse((x + 6 * s, floor - 20 * s, x + 26 * s, floor - 8 * s), fill=(250, 250, 250))


def _dining_room(draw: ImageDraw.ImageDraw, rng: Rng, x: float, floor: int, s: float) -> None:
    wood = _colour(rng, 60, 120)
    draw.ellipse((x + 8 * s, floor - 16 * s, x + 68 * s, floor - 2 * s), fill=wood)
    draw.line((x + 38 * s, floor - 4 * s, x + 38 * s, floor + 18 * s), fill=wood, width=4)
    for chair in (x, x + 70 * s):
        draw.rectangle((chair, floor - 26 * s, chair + 5 * s, floor + 14 * s), fill=wood)
    draw.polygon(((x + 30 * s, 14), (x + 46 * s, 14), (x + 38 * s, 4)), fill=(250, 220, 120))


def _kitchen(draw: ImageDraw.ImageDraw, rng: Rng, x: float, floor: int, s: float) -> None:
    front = _colour(rng, 100, 220)
    for number in range(4):
        at = x + 18 * s * number
        draw.rectangle((at, 6, at + 16 * s, 24), fill=front, outline=(70, 70, 70))
        draw.rectangle((at, floor - 20, at + 16 * s, floor + 10), fill=front, outline=(70, 70, 70))
    draw.rectangle((x, floor - 24, x + 72 * s, floor - 20), fill=(60, 60, 65))


def _living_room(draw: ImageDraw.ImageDraw, rng: Rng, x: float, floor: int, s: float) -> None:
    cloth = _colour(rng, 60, 200)
    draw.rounded_rectangle((x, floor - 22 * s, x + 66 * s, floor + 4 * s), 5, fill=cloth)
    draw.rounded_rectangle((x - 4 * s, floor - 10 * s, x + 8 * s, floor + 10 * s), 4, fill=cloth)
    draw.rounded_rectangle((x + 58 * s, floor - 10 * s, x + 70 * s, floor + 10 * s), 4, fill=cloth)
    draw.rectangle((x + 14 * s, 10, x + 52 * s, 32), fill=(18, 18, 22), outline=(60, 60, 60))


_FURNITURE = {
    "bathroom": _bathroom,
    "bedroom": _bedroom,
    "dining_room": _dining_room,
    "kitchen": _kitchen,
    "living_room": _living_room,
}


def _colour(rng: Rng, low: int, high: int) -> tuple[int, int, int]:
    base = rng.uniform(low, high)
    red, green, blue = np.clip(base + rng.normal(0, 22, 3), 0, 255).astype(int).tolist()
    return red, green, blue


def _exif(rng: Rng, moment: datetime) -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F] = "Sluice Optics"
    exif[0x0110] = f"Phone {rng.integers(10, 20)}"
    exif[0x0132] = f"{moment:%Y:%m:%d %H:%M:%S}"
    place = exif.get_ifd(0x8825)
    place[1], place[3] = "N", "W"
    place[2] = (47.0, float(rng.integers(20, 50)), float(rng.integers(0, 60)))
    place[4] = (122.0, float(rng.integers(0, 30)), float(rng.integers(0, 60)))
    return exif


def _districts() -> dict[str, NDArray[Any]]:
    """Thirty fixed districts: the same in every call, whatever the seed."""
    rng = np.random.default_rng(20_140_502)
    share = rng.dirichlet(np.full(ZIP_CODES, 4.0))
    return {
        "share": share,
        "lat": rng.uniform(47.2, 47.75, ZIP_CODES),
        "long": rng.uniform(-122.4, -121.9, ZIP_CODES),
        "wealth": rng.normal(0, 0.4, ZIP_CODES),
        "level": rng.normal(0, 0.22, ZIP_CODES),
    }


def main() -> None:
    """Write a lake folder from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("root", type=Path, help="folder to write, e.g. /tmp/lake/raw")
    parser.add_argument("--sales", type=int, default=6_000, help="rows of property sales")
    parser.add_argument("--photos", type=int, default=600, help="room photos")
    parser.add_argument("--start", type=date.fromisoformat, default=date(2026, 1, 1))
    parser.add_argument("--days", type=int, default=120)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shift-size", type=float, default=1.0, help="factor on areas")
    parser.add_argument("--shift-price", type=float, default=1.0, help="factor on prices")
    parser.add_argument("--shift-new-zip-codes", type=float, default=0.0, help="share, 0 to 1")
    options = parser.parse_args()
    shift = Shift(options.shift_size, options.shift_price, options.shift_new_zip_codes)
    if options.sales:
        sales = property_sales(options.sales, options.start, options.days, options.seed, shift)
        print(f"{len(write_sales(options.root, sales))} files of {SALES}")
    if options.photos:
        photos = write_rooms(
            options.root, options.photos, options.start, options.days, options.seed
        )
        print(f"{len(photos)} files of {ROOMS}")


if __name__ == "__main__":
    main()
