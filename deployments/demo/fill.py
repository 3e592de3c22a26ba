"""Generated data of one model, written into the lake: ``python -m deployments.demo.fill <model>``.

Whoever wants to try a model before there is real data runs this and then retrains it. Days that
come later (``--start``) may differ from the usual (``--drift``), so that a watch has something to
find. Nothing is replaced by other bytes: the same words write the same files.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from deployments.demo.amenities import AMENITIES
from deployments.demo.buildings import BUILDINGS
from deployments.demo.facades import FACADES
from deployments.demo.generate import Shift, property_sales, write_sales
from deployments.demo.interactions import PartnerShift, partner_interactions, write_interactions
from deployments.demo.photos import Album, PhotoShift, write_photos
from deployments.demo.restaurants import (
    DiningShift,
    restaurant_interactions,
    write_restaurant_interactions,
)
from deployments.demo.reviews import ReviewShift, reviews, write_reviews
from deployments.demo.rooms import ROOMS
from deployments.demo.wear import CONDITIONS
from deployments.lake import planned, upload
from tasks.errors import SluiceError
from tasks.settings import settings

FIRST_DAY = date(2026, 1, 5)
GUESTS = 800


@dataclass(frozen=True)
class Quantity:
    """What is to be made.

    Args:
        rows: Sales, photos, reviews, interactions, acts.
        start: First day.
        days: Number of days.
        seed: Same seed, same bytes.
        drift: Whether they differ from the usual.
        defects: Share of photos or acts that are broken, beside the sound ones.
    """

    rows: int
    start: date
    days: int
    seed: int = 0
    drift: bool = False
    defects: float = 0.0


@dataclass(frozen=True)
class Generated:
    """How much data a model is tried with, and what writes it below a folder."""

    rows: int
    days: int
    write: Callable[[Path, Quantity], Sequence[Path]]
    breaks: bool = False


def _album(album: Album) -> Callable[[Path, Quantity], Sequence[Path]]:
    def write(root: Path, asked: Quantity) -> Sequence[Path]:
        shift = PhotoShift(light=0.55, leaning=0.4) if asked.drift else None
        return write_photos(
            root, album, asked.rows, asked.start, asked.days, asked.seed, shift, asked.defects
        )

    return write


def _sales(root: Path, asked: Quantity) -> Sequence[Path]:
    shift = Shift(size=1.12, price=1.05, grade=1) if asked.drift else None
    made = property_sales(asked.rows, asked.start, asked.days, asked.seed, shift)
    return write_sales(root, made)


def _interactions(root: Path, asked: Quantity) -> Sequence[Path]:
    shift = PartnerShift(tokens=1.8, new_state=0.2, demand=-0.7) if asked.drift else None
    made = partner_interactions(asked.rows, asked.start, asked.days, asked.seed, shift)
    return write_interactions(root, made)


def _reviews(root: Path, asked: Quantity) -> Sequence[Path]:
    shift = ReviewShift(new_topic=0.5, new_words=0.6) if asked.drift else None
    made = reviews(asked.rows, asked.start, asked.days, asked.seed, shift)
    return write_reviews(root, made)


def _acts(root: Path, asked: Quantity) -> Sequence[Path]:
    change = (0.5, 0.2, 0.3) if asked.drift else (0.0, 0.0, 0.0)
    shift = DiningShift(*change, broken=asked.defects)
    # As many guests whatever the rows: later days are of the same city.
    made = restaurant_interactions(
        asked.rows, asked.start, asked.days, asked.seed, shift, guests=GUESTS
    )
    return write_restaurant_interactions(root, made)


GENERATED: Mapping[str, Generated] = {
    "condition-assessment": Generated(2_000, 40, _album(CONDITIONS), breaks=True),
    "feature-detection": Generated(2_000, 40, _album(AMENITIES), breaks=True),
    "partner-match": Generated(24_000, 140, _interactions),
    "price-estimator": Generated(6_000, 140, _sales),
    "property-classifier": Generated(1_500, 30, _album(BUILDINGS), breaks=True),
    "property-detector": Generated(2_000, 40, _album(FACADES), breaks=True),
    "recommendation": Generated(20_000, 120, _acts, breaks=True),
    "room-classifier": Generated(400, 20, _album(ROOMS), breaks=True),
    "sentiment": Generated(4_000, 60, _reviews),
}


def main() -> int:
    """Exit status 0 when everything is in the lake, or in the folder."""
    parser = argparse.ArgumentParser(
        prog="python -m deployments.demo.fill",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", choices=sorted(GENERATED))
    parser.add_argument("--rows", type=int, help="how many (its own default for each model)")
    parser.add_argument("--start", type=date.fromisoformat, default=FIRST_DAY, help="first day")
    parser.add_argument("--days", type=int, help="how many days they are spread over")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--drift", action="store_true", help="other than the usual")
    parser.add_argument(
        "--defects", type=float, default=0.0, help="share of broken photos or acts, 0 to 1"
    )
    parser.add_argument("--folder", type=Path, help="write below this folder, and not to the lake")
    chosen = parser.parse_args()
    made = GENERATED[chosen.model]
    asked = Quantity(
        made.rows if chosen.rows is None else chosen.rows,
        chosen.start,
        made.days if chosen.days is None else chosen.days,
        chosen.seed,
        chosen.drift,
        chosen.defects,
    )
    if min(asked.rows, asked.days) < 1:
        parser.error(f"--rows {asked.rows} over --days {asked.days} is nothing: both begin at 1")
    if not 0 <= asked.defects <= 1:
        parser.error(f"--defects {asked.defects} is no share: write 0 to 1")
    if asked.defects and not made.breaks:
        parser.error(
            f"--defects: {chosen.model} does not learn from photos, nor from acts: only they break"
        )
    last = asked.start + timedelta(days=asked.days - 1)
    print(f"» {asked.rows:,} rows of {chosen.model}, {asked.start} to {last}")
    if chosen.folder:
        print(f"» {chosen.folder}: {len(made.write(chosen.folder, asked)):,} files")
        return 0
    try:
        with tempfile.TemporaryDirectory(prefix="sluice-fill-") as scratch:
            made.write(Path(scratch), asked)
            new, there = upload(planned(Path(scratch))[0], settings().lake_bucket)
    except SluiceError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"» s3://{settings().lake_bucket}: {new:,} files written, {there:,} already there")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
