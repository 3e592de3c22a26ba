"""Homes and what is of note in them, made from a seed: any number of features on a photo.

A photo shows a home from outside or from inside, and the features that can be there. Beside them
stand things of the same colours that are none (a blue car, a brown rug, a grey cupboard), so that
colour alone tells little.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PIL import Image, ImageDraw

from deployments.demo.photos import DAYLIGHT, PHOTO, Album, Rng, colour, lit, taken

Drawn = Callable[[ImageDraw.ImageDraw, Rng], None]
W, H = PHOTO
WALL, FLOOR = 58, 90
"""Rows at which the ground or the floor begins and ends."""
DISTRACTORS = 3
HELD = 0.35
"""Chance of each feature that can be on a photo."""


def draw_home(features: Sequence[str], rng: Rng) -> Image.Image:
    """A picture of a home that shows these features and no other."""
    outside = any(name in OUTSIDE for name in features)
    if not features:
        outside = bool(rng.random() < 0.5)
    image = Image.new("RGB", PHOTO, colour(rng, 130, 240))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, WALL, W, FLOOR), fill=colour(rng, 70, 170))
    if outside:
        _house(draw, rng)
    for _ in range(int(rng.integers(0, DISTRACTORS + 1))):
        _distractor(draw, rng)
    shown = OUTSIDE if outside else INSIDE
    for name in features:
        shown[name](draw, rng)
    return taken(lit(image, rng), rng, DAYLIGHT)


def held(rng: Rng) -> list[str]:
    """The features of a photo: of a home from outside, or from inside."""
    there = tuple(OUTSIDE if rng.random() < 0.5 else INSIDE)
    chosen = rng.random(len(there)) < HELD
    return sorted(name for name, yes in zip(there, chosen, strict=True) if yes)


def _house(draw: ImageDraw.ImageDraw, rng: Rng) -> None:
    left, right = rng.uniform(6, 22), rng.uniform(96, 114)
    wall = colour(rng, 90, 230)
    draw.rectangle((left, 26, right, WALL + 2), fill=wall)
    roof = colour(rng, 40, 150)
    draw.polygon(((left - 5, 27), (left + 12, 8), (right - 12, 8), (right + 5, 27)), fill=roof)


def _distractor(draw: ImageDraw.ImageDraw, rng: Rng) -> None:
    x, y = float(rng.uniform(4, W - 24)), float(rng.uniform(30, H - 16))
    fill = colour(rng, 50, 220, 50)
    draw.rounded_rectangle((x, y, x + rng.uniform(10, 24), y + rng.uniform(6, 14)), 3, fill=fill)


def _balcony(draw: ImageDraw.ImageDraw, rng: Rng) -> None:
    x, y = float(rng.uniform(24, 70)), float(rng.uniform(38, 46))
    rail = colour(rng, 20, 90, 8)
    draw.rectangle((x, y, x + 26, y + 2), fill=rail)
    draw.rectangle((x, y + 9, x + 26, y + 11), fill=rail)
    for bar in range(0, 27, 3):
        draw.line((x + bar, y, x + bar, y + 10), fill=rail)


def _garage(draw: ImageDraw.ImageDraw, rng: Rng) -> None:
    x = float(rng.uniform(24, 76))
    draw.rectangle((x, 40, x + 24, WALL + 2), fill=colour(rng, 190, 245, 6), outline=(60, 60, 60))
    for y in range(44, WALL, 4):
        draw.line((x, y, x + 24, y), fill=(110, 110, 112))


def _garden(draw: ImageDraw.ImageDraw, rng: Rng) -> None:
    for _ in range(14):
        x, y = float(rng.uniform(0, W)), float(rng.uniform(WALL + 6, H - 3))
        draw.line((x, y + 4, x, y), fill=(50, 110, 50))
        draw.ellipse((x - 2, y - 2, x + 2, y + 2), fill=colour(rng, 90, 220, 60))


def _pool(draw: ImageDraw.ImageDraw, rng: Rng) -> None:
    x, y, wide = (float(v) for v in rng.uniform((6, 66, 34), (56, 72, 54)))
    water = (60 + int(rng.integers(40)), 150 + int(rng.integers(40)), 200 + int(rng.integers(40)))
    draw.ellipse((x, y, x + wide, y + 15), fill=water, outline=(235, 235, 235), width=2)
    for line in (5, 9):
        draw.line((x + 9, y + line, x + wide - 9, y + line), fill=(225, 240, 250))


def _solar_panels(draw: ImageDraw.ImageDraw, rng: Rng) -> None:
    x = float(rng.uniform(30, 64))
    draw.rectangle((x, 11, x + 28, 24), fill=(25, 35, 80), outline=(160, 165, 175))
    for bar in range(7, 28, 7):
        draw.line((x + bar, 11, x + bar, 24), fill=(150, 155, 170))
    draw.line((x, 17, x + 28, 17), fill=(150, 155, 170))


def _fireplace(draw: ImageDraw.ImageDraw, rng: Rng) -> None:
    x = float(rng.uniform(8, 84))
    draw.rectangle((x, 38, x + 26, WALL + 4), fill=colour(rng, 90, 200))
    draw.rectangle((x + 5, 45, x + 21, WALL + 4), fill=(25, 20, 18))
    for tip in (9, 13, 17):
        flame = ((x + tip - 3, WALL + 3), (x + tip, WALL - 7), (x + tip + 3, WALL + 3))
        draw.polygon(flame, fill=(240, 150, 40))


def _hardwood_floor(draw: ImageDraw.ImageDraw, rng: Rng) -> None:
    joint = colour(rng, 40, 80, 8)
    for y in range(WALL + 5, H, 6):
        draw.line((0, y, W, y), fill=joint)
        for x in range(int(rng.integers(24)), W, 24):
            draw.line((x, y - 6, x, y), fill=joint)


def _high_ceiling(draw: ImageDraw.ImageDraw, rng: Rng) -> None:
    beam = colour(rng, 50, 110)
    for x in range(int(rng.integers(-10, 10)), W, 20):
        draw.line((x, 0, W / 2 + (x - W / 2) * 0.6, 16), fill=beam, width=3)
    draw.line((0, 16, W, 16), fill=beam)


def _island(draw: ImageDraw.ImageDraw, rng: Rng) -> None:
    x, front = float(rng.uniform(14, 60)), colour(rng, 100, 220)
    draw.rectangle((x, 68, x + 44, 84), fill=front, outline=(60, 60, 60))
    draw.rectangle((x - 3, 64, x + 47, 68), fill=colour(rng, 225, 250, 4), outline=(90, 90, 90))
    for stool in (8, 22, 36):
        draw.line((x + stool, 74, x + stool, 89), fill=(40, 40, 40), width=2)
        draw.ellipse((x + stool - 4, 71, x + stool + 4, 75), fill=(50, 45, 40))


def _stainless(draw: ImageDraw.ImageDraw, rng: Rng) -> None:
    x = float(rng.uniform(6, 96))
    for stripe in range(18):
        shade = 150 + int(60 * abs((stripe - 6) / 12))
        draw.line((x + stripe, 26, x + stripe, WALL + 2), fill=(shade, shade, shade + 6))
    draw.line((x, 40, x + 17, 40), fill=(60, 60, 62))
    draw.line((x + 15, 29, x + 15, 37), fill=(40, 40, 42), width=2)
    draw.line((x + 15, 43, x + 15, 53), fill=(40, 40, 42), width=2)


def _view(draw: ImageDraw.ImageDraw, rng: Rng) -> None:
    x = float(rng.uniform(8, 74))
    draw.rectangle((x, 20, x + 36, 46), fill=(150, 195, 235), outline=(245, 245, 245), width=2)
    for peak, high in ((9, 16), (20, 10), (28, 13)):
        foot = 44
        hill = ((x + peak - 8, foot), (x + peak, 20 + high), (x + peak + 7, foot))
        draw.polygon(hill, fill=colour(rng, 60, 120, 12))


def _walk_in_closet(draw: ImageDraw.ImageDraw, rng: Rng) -> None:
    x = float(rng.uniform(8, 84))
    draw.rectangle((x, 22, x + 28, WALL + 2), fill=(60, 50, 45))
    draw.line((x, 27, x + 28, 27), fill=(210, 210, 210))
    for hanger in range(2, 26, 4):
        low = 44 + int(rng.integers(10))
        draw.rectangle((x + hanger, 29, x + hanger + 2, low), fill=colour(rng, 60, 230, 50))


OUTSIDE: Mapping[str, Drawn] = {
    "balcony": _balcony,
    "garage": _garage,
    "garden": _garden,
    "pool": _pool,
    "solar_panels": _solar_panels,
}
INSIDE: Mapping[str, Drawn] = {
    "fireplace": _fireplace,
    "hardwood_floor": _hardwood_floor,
    "high_ceiling": _high_ceiling,
    "island": _island,
    "stainless_appliances": _stainless,
    "view": _view,
    "walk_in_closet": _walk_in_closet,
}
AMENITIES = Album("feature_images", (*OUTSIDE, *INSIDE), draw_home, column="features", choose=held)
