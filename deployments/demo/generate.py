"""Property sales for the demo and the tests, made from a seed.

They come as a folder tree shaped like the lake, ``<root>/<dataset>/year=/month=/day=/…``, and keep
the contract of the King County data (``python -m deployments.lake`` loads the real ones); their
prices follow a known law plus noise, so that a model can learn them and a test can tell how well.
``python -m deployments.demo.fill`` writes them, and the data of every other model, into the lake.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SALES = "property_sales"
NOISE = 0.10
"""Standard deviation of log-price that no model can explain: a MAE of about 8 % of the price."""
ZIP_CODES = 30
FIRST_ZIP = 98001
NEW_ZIP = 98901
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


def partition(folder: Path, day: date) -> Path:
    """The lake's folder of one day."""
    return folder / f"year={day:%Y}" / f"month={day:%m}" / f"day={day:%d}"


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
