"""Rooms, made from a seed: the thing that tells each, on walls and floor of any colour."""

from __future__ import annotations

from PIL import Image, ImageDraw

from deployments.demo.photos import PHOTO, Album, Rng, colour, taken


def draw_room(name: str, rng: Rng) -> Image.Image:
    """A picture of a room as a camera has it."""
    return taken(furnished(name, rng), rng)


def furnished(name: str, rng: Rng) -> Image.Image:
    """A room: the thing that tells it, on walls and floor of any colour."""
    width, height = PHOTO
    image = Image.new("RGB", PHOTO, colour(rng, 150, 240))
    draw = ImageDraw.Draw(image)
    floor = int(height * rng.uniform(0.6, 0.75))
    draw.rectangle((0, floor, width, height), fill=colour(rng, 70, 170))
    left, scale = rng.uniform(0.02, 0.3) * width, rng.uniform(0.75, 1.1)
    _FURNITURE[name](draw, rng, left, floor, scale)
    if rng.random() < 0.5:
        x = rng.uniform(0.6, 0.85) * width
        draw.rectangle((x, 8, x + 16, 30), fill=(205, 228, 250), outline=(90, 90, 90))
    return image


def _bathroom(draw: ImageDraw.ImageDraw, rng: Rng, x: float, floor: int, s: float) -> None:
    joint = colour(rng, 100, 140)
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
    draw.rectangle((x, floor - 34 * s, x + 5 * s, floor + 14 * s), fill=colour(rng, 50, 110))
    draw.rectangle((x, floor - 12 * s, x + 70 * s, floor + 10 * s), fill=colour(rng, 90, 230))
    draw.ellipse((x + 6 * s, floor - 20 * s, x + 26 * s, floor - 8 * s), fill=(250, 250, 250))


def _dining_room(draw: ImageDraw.ImageDraw, rng: Rng, x: float, floor: int, s: float) -> None:
    wood = colour(rng, 60, 120)
    draw.ellipse((x + 8 * s, floor - 16 * s, x + 68 * s, floor - 2 * s), fill=wood)
    draw.line((x + 38 * s, floor - 4 * s, x + 38 * s, floor + 18 * s), fill=wood, width=4)
    for chair in (x, x + 70 * s):
        draw.rectangle((chair, floor - 26 * s, chair + 5 * s, floor + 14 * s), fill=wood)
    draw.polygon(((x + 30 * s, 14), (x + 46 * s, 14), (x + 38 * s, 4)), fill=(250, 220, 120))


def _kitchen(draw: ImageDraw.ImageDraw, rng: Rng, x: float, floor: int, s: float) -> None:
    front = colour(rng, 100, 220)
    for number in range(4):
        at = x + 18 * s * number
        draw.rectangle((at, 6, at + 16 * s, 24), fill=front, outline=(70, 70, 70))
        draw.rectangle((at, floor - 20, at + 16 * s, floor + 10), fill=front, outline=(70, 70, 70))
    draw.rectangle((x, floor - 24, x + 72 * s, floor - 20), fill=(60, 60, 65))


def _living_room(draw: ImageDraw.ImageDraw, rng: Rng, x: float, floor: int, s: float) -> None:
    cloth = colour(rng, 60, 200)
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


ROOMS = Album("room_images", tuple(_FURNITURE), draw_room)
