"""Properties from the street, made from a seed: what tells an apartment block from a villa.

A kind shows in how the front is built (rows of windows, bands of glass, a row of gables, columns,
shutters), never in colour, size or place: these are drawn alike for all kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PIL import Image, ImageDraw

from deployments.demo.photos import DAYLIGHT, PHOTO, Album, Colour, Rng, colour, lit, taken

SHADE = 45
"""How much darker a roof or a frame is than its wall."""


@dataclass(frozen=True)
class Front:
    """The wall that a building is drawn on, and its colours."""

    left: float
    top: float
    right: float
    ground: float
    wall: Colour
    trim: Colour
    glass: Colour

    @property
    def width(self) -> float:
        """Pixels."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Pixels."""
        return self.ground - self.top


def draw_building(kind: str, rng: Rng) -> Image.Image:
    """A picture of a property: sky, ground, the building, and what stands in front of it."""
    width, height = PHOTO
    image = Image.new("RGB", PHOTO, colour(rng, 120, 240))
    draw = ImageDraw.Draw(image)
    ground = float(rng.uniform(0.68, 0.86) * height)
    draw.rectangle((0, ground, width, height), fill=colour(rng, 60, 180))
    across, high = rng.uniform(62, 96), rng.uniform(36, 50)
    left = float(rng.uniform(4, width - across - 4))
    wall = colour(rng, 70, 235)
    front = Front(
        left,
        ground - high,
        left + across,
        ground,
        wall,
        (max(wall[0] - SHADE, 0), max(wall[1] - SHADE, 0), max(wall[2] - SHADE, 0)),
        colour(rng, 40, 220),
    )
    _KINDS[kind](draw, rng, front)
    for _ in range(int(rng.integers(0, 3))):
        _bush(draw, rng, ground)
    return taken(lit(image, rng), rng, DAYLIGHT)


def _block(draw: ImageDraw.ImageDraw, front: Front) -> None:
    box = (front.left, front.top, front.right, front.ground)
    draw.rectangle(box, fill=front.wall, outline=front.trim)


def _gable(draw: ImageDraw.ImageDraw, left: float, right: float, top: float, fill: Colour) -> None:
    peak = top - (right - left) * 0.35
    draw.polygon(((left - 2, top), ((left + right) / 2, peak), (right + 2, top)), fill=fill)


def _apartment(draw: ImageDraw.ImageDraw, rng: Rng, front: Front) -> None:
    """Many small windows in a grid."""
    _block(draw, front)
    rows, columns = int(rng.integers(4, 7)), int(rng.integers(4, 8))
    step, rise = front.width / columns, front.height / rows
    for row in range(rows):
        for column in range(columns):
            x, y = front.left + (column + 0.25) * step, front.top + (row + 0.25) * rise
            draw.rectangle((x, y, x + step * 0.5, y + rise * 0.5), fill=front.glass)


def _house(draw: ImageDraw.ImageDraw, rng: Rng, front: Front) -> None:
    """One roof, a door, a window on each side of it."""
    _block(draw, front)
    _gable(draw, front.left, front.right, front.top, front.trim)
    middle, door = (front.left + front.right) / 2, front.height * rng.uniform(0.45, 0.6)
    draw.rectangle((middle - 4, front.ground - door, middle + 4, front.ground), fill=front.trim)
    for x in (front.left + front.width * 0.2, front.right - front.width * 0.2):
        y = front.top + front.height * 0.3
        draw.rectangle((x - 5, y, x + 5, y + 10), fill=front.glass, outline=front.trim)


def _office(draw: ImageDraw.ImageDraw, rng: Rng, front: Front) -> None:
    """Glass in bands from side to side."""
    _block(draw, front)
    floors = int(rng.integers(4, 7))
    rise = front.height / floors
    for floor in range(floors):
        y = front.top + (floor + 0.2) * rise
        draw.rectangle((front.left + 1, y, front.right - 1, y + rise * 0.55), fill=front.glass)


def _townhouse(draw: ImageDraw.ImageDraw, rng: Rng, front: Front) -> None:
    """Narrow houses wall to wall, each with a roof of its own."""
    count = int(rng.integers(3, 5))
    each = front.width / count
    for number in range(count):
        left = front.left + number * each
        wall = colour(rng, 70, 235)
        draw.rectangle((left, front.top, left + each, front.ground), fill=wall, outline=front.trim)
        _gable(draw, left + 2, left + each - 2, front.top, front.trim)
        x = left + each / 2
        for y in (front.top + 4, front.top + front.height * 0.4):
            draw.rectangle((x - 3, y, x + 3, y + 7), fill=front.glass)
        draw.rectangle((x - 3, front.ground - 9, x + 3, front.ground), fill=front.trim)


def _villa(draw: ImageDraw.ImageDraw, rng: Rng, front: Front) -> None:
    """A hipped roof on columns, high arched windows between them."""
    _block(draw, front)
    inset = front.width * 0.18
    roof = (
        (front.left - 4, front.top),
        (front.left + inset, front.top - 9),
        (front.right - inset, front.top - 9),
        (front.right + 4, front.top),
    )
    draw.polygon(roof, fill=front.trim)
    columns = int(rng.integers(4, 7))
    step = front.width / columns
    for number in range(columns):
        x = front.left + number * step
        draw.rectangle((x, front.top, x + 2.5, front.ground), fill=colour(rng, 215, 250, 5))
        middle, y = x + step * 0.6, front.top + front.height * 0.3
        draw.rectangle((middle - 3, y + 3, middle + 3, front.ground - 5), fill=front.glass)
        draw.ellipse((middle - 3, y, middle + 3, y + 6), fill=front.glass)


def _warehouse(draw: ImageDraw.ImageDraw, rng: Rng, front: Front) -> None:
    """Sheets of metal, one or two large shutters."""
    _block(draw, front)
    for sheet in range(int(front.left) + 3, int(front.right), 4):
        draw.line((sheet, front.top, sheet, front.ground), fill=front.trim)
    gates = int(rng.integers(1, 3))
    for number in range(gates):
        x = front.left + front.width * (number + 0.5) / gates
        wide, y = front.width / gates * 0.3, front.ground - front.height * 0.6
        draw.rectangle((x - wide, y, x + wide, front.ground), fill=front.glass, outline=front.trim)
        for slat in range(int(y) + 3, int(front.ground), 4):
            draw.line((x - wide, slat, x + wide, slat), fill=front.trim)


def _bush(draw: ImageDraw.ImageDraw, rng: Rng, ground: float) -> None:
    """Something in the way: a tree, a bush, a car."""
    x, size = float(rng.uniform(0, PHOTO[0])), float(rng.uniform(6, 14))
    fill = colour(rng, 40, 200)
    if rng.random() < 0.5:
        draw.line((x, ground + 4, x, ground - 2 * size), fill=(80, 60, 45), width=2)
        draw.ellipse((x - size, ground - 3 * size, x + size, ground - size), fill=fill)
    else:
        draw.rounded_rectangle((x - size, ground - 2, x + size, ground + 7), 3, fill=fill)


_KINDS: Mapping[str, Callable[[ImageDraw.ImageDraw, Rng, Front], None]] = {
    "apartment": _apartment,
    "house": _house,
    "office": _office,
    "townhouse": _townhouse,
    "villa": _villa,
    "warehouse": _warehouse,
}
BUILDINGS = Album("property_images", tuple(_KINDS), draw_building)
