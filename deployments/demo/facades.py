"""Homes from the street and what stands out on them, made from a seed: where each thing is.

Windows, doors and garages keep to the wall of a house, chimneys to its roof, trees stand beside it
and pools before it; how many there are, where and how large, differs from photo to photo. Between
them are things of the same sizes and colours that are none: blind panels on walls, bushes, cars.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PIL import Image, ImageDraw

from deployments.demo.photos import DAYLIGHT, PHOTO, Album, Rng, colour, exposed, lit

Corners = tuple[int, int, int, int]
W, H = PHOTO
COLUMN = 17
"""Pixels of a wall that a window or a door has for itself."""
BARE = 0.06
"""Share of photos that show a lawn and nothing on it."""


def draw_facade(objects: Sequence[Mapping[str, Any]], rng: Rng) -> Image.Image:
    """A picture of a home with these objects and no other."""
    image = Image.new("RGB", PHOTO, colour(rng, 130, 240))
    draw = ImageDraw.Draw(image)
    placed = [(str(one["label"]), _pixels(one["box"])) for one in objects]
    walls = [box for label, box in placed if label in ("door", "garage", "window")]
    ground = max((box[3] for box in walls), default=int(rng.integers(56, 66)))
    draw.rectangle((0, ground - 6, W, H), fill=colour(rng, 70, 170))
    if walls:
        _house(draw, rng, walls, ground)
    for _ in range(int(rng.integers(0, 4))):
        _distractor(draw, rng, ground)
    for label, box in sorted(placed, key=lambda one: one[1][3]):
        _DRAWN[label](draw, rng, box)
    return exposed(lit(image, rng), rng, DAYLIGHT)


def placed(rng: Rng) -> list[dict[str, Any]]:
    """The objects of a photo, with their boxes: a house with its wall, its roof and its garden."""
    if rng.random() < BARE:
        return []
    columns = int(rng.integers(3, 6))
    left = int(rng.integers(6, W - columns * COLUMN - 5))
    ground, storey = int(rng.integers(60, 68)), int(rng.integers(19, 23))
    objects: list[tuple[str, Corners]] = []
    free = list(range(columns))
    if rng.random() < 0.45:
        at = int(rng.choice((0, columns - 2)))
        free = [column for column in free if column not in (at, at + 1)]
        x, wide = left + at * COLUMN + int(rng.integers(1, 5)), int(rng.integers(24, 30))
        objects.append(("garage", (x, ground - int(rng.integers(14, 18)), x + wide, ground)))
    if rng.random() < 0.85:
        at = free.pop(int(rng.integers(len(free))))
        x, wide = left + at * COLUMN + int(rng.integers(2, 6)), int(rng.integers(8, 12))
        objects.append(("door", (x, ground - int(rng.integers(15, 19)), x + wide, ground)))
    rows = [(column, ground - storey + 5) for column in free if rng.random() < 0.6]
    rows += [(column, ground - 2 * storey + 6) for column in range(columns) if rng.random() < 0.6]
    for column, y in rows:
        x = left + column * COLUMN + int(rng.integers(1, 6))
        size = (int(rng.integers(8, 12)), int(rng.integers(8, 12)))
        objects.append(("window", (x, y, x + size[0], y + size[1])))
    if not objects:
        return []
    if rng.random() < 0.5:
        top, wide = min(box[1] for _, box in objects) - 4, int(rng.integers(6, 10))
        x = int(rng.integers(*_span(objects)))
        objects.append(("chimney", (x, top - int(rng.integers(10, 15)), x + wide, top)))
    if rng.random() < 0.4:
        x, wide = int(rng.integers(4, 70)), int(rng.integers(30, 46))
        y = int(rng.integers(ground + 5, 77))
        objects.append(("pool", (x, y, x + wide, y + int(rng.integers(9, 12)))))
    for side in (0, W - 20):
        if rng.random() < 0.35:
            x, wide = max(side + int(rng.integers(-4, 5)), 0), int(rng.integers(14, 21))
            foot = ground + int(rng.integers(0, 8))
            high = int(rng.integers(24, 38))
            objects.append(("tree", (x, foot - high, min(x + wide, W), foot)))
    return [{"label": label, "box": _shares(box)} for label, box in objects]


def first_alone(rng: Rng) -> list[dict[str, Any]]:
    """Only the trees of a photo: homes behind gardens."""
    return [one for one in placed(rng) if one["label"] == "tree"]


def _span(objects: Sequence[tuple[str, Corners]]) -> tuple[int, int]:
    """From where to where a chimney can begin on the roof above these objects."""
    left = min(box[0] for _, box in objects)
    return left, max(max(box[2] for _, box in objects) - 8, left + 1)


def _shares(box: Corners) -> list[float]:
    return [round(value / size, 4) for value, size in zip(box, (W, H, W, H), strict=True)]


def _pixels(box: Sequence[float]) -> Corners:
    x0, y0, x1, y1 = (round(v * size) for v, size in zip(box, (W, H, W, H), strict=True))
    # Pillow draws the last pixel, too.
    return x0, y0, x1 - 1, y1 - 1


def _house(draw: ImageDraw.ImageDraw, rng: Rng, walls: list[Corners], ground: int) -> None:
    left, right = min(box[0] for box in walls) - 4, max(box[2] for box in walls) + 4
    top = min(box[1] for box in walls) - int(rng.integers(4, 7))
    draw.rectangle((left, top, right, ground), fill=colour(rng, 90, 235))
    peak = top - int(rng.integers(9, 15))
    roof = ((left - 4, top), (left + 9, peak), (right - 9, peak), (right + 4, top))
    draw.polygon(roof, fill=colour(rng, 40, 150))


def _distractor(draw: ImageDraw.ImageDraw, rng: Rng, ground: int) -> None:
    x, fill = int(rng.integers(2, W - 20)), colour(rng, 50, 220, 40)
    kind = rng.random()
    if kind < 0.4:  # a blind panel, as large as a window or a door
        y = int(rng.integers(ground - 40, ground - 16))
        draw.rectangle((x, y, x + int(rng.integers(8, 12)), y + int(rng.integers(8, 18))), fill)
    elif kind < 0.7:
        size = int(rng.integers(4, 9))
        draw.ellipse((x, ground - size, x + 2 * size, ground + size // 2), fill=fill)
    else:
        y = min(ground + int(rng.integers(2, 12)), H - 12)
        draw.rounded_rectangle((x, y, x + 22, y + 7), 3, fill=fill)
        for wheel in (4, 16):
            draw.ellipse((x + wheel - 2, y + 5, x + wheel + 2, y + 9), fill=(25, 25, 28))


def _door(draw: ImageDraw.ImageDraw, rng: Rng, box: Corners) -> None:
    x0, y0, x1, y1 = box
    draw.rectangle(box, fill=colour(rng, 40, 150, 40), outline=(235, 232, 225))
    draw.line((x0 + 2, (y0 + y1) // 2, x1 - 2, (y0 + y1) // 2), fill=(30, 26, 24))
    draw.rectangle((x1 - 3, (y0 + y1) // 2 + 2, x1 - 2, (y0 + y1) // 2 + 3), fill=(240, 210, 90))


def _window(draw: ImageDraw.ImageDraw, rng: Rng, box: Corners) -> None:
    x0, y0, x1, y1 = box
    frame = colour(rng, 215, 250, 6)
    draw.rectangle(box, fill=colour(rng, 60, 170, 30), outline=frame)
    draw.line(((x0 + x1) // 2, y0, (x0 + x1) // 2, y1), fill=frame)
    draw.line((x0, (y0 + y1) // 2, x1, (y0 + y1) // 2), fill=frame)


def _garage(draw: ImageDraw.ImageDraw, rng: Rng, box: Corners) -> None:
    x0, y0, x1, y1 = box
    draw.rectangle(box, fill=colour(rng, 150, 245, 8), outline=(60, 60, 60))
    for y in range(y0 + 4, y1, 4):
        draw.line((x0, y, x1, y), fill=(95, 95, 98))


def _chimney(draw: ImageDraw.ImageDraw, rng: Rng, box: Corners) -> None:
    x0, y0, x1, y1 = box
    draw.rectangle((x0 + 1, y0, x1 - 1, y1), fill=colour(rng, 80, 150))
    draw.rectangle((x0, y0, x1, y0 + 2), fill=(50, 46, 44))
    for y in range(y0 + 5, y1, 3):
        draw.line((x0 + 1, y, x1 - 1, y), fill=(205, 195, 185))


def _pool(draw: ImageDraw.ImageDraw, rng: Rng, box: Corners) -> None:
    water = (60 + int(rng.integers(40)), 150 + int(rng.integers(40)), 200 + int(rng.integers(40)))
    draw.ellipse(box, fill=water, outline=(235, 235, 235), width=2)


def _tree(draw: ImageDraw.ImageDraw, rng: Rng, box: Corners) -> None:
    x0, y0, x1, y1 = box
    middle = (x0 + x1) // 2
    draw.rectangle((middle - 1, y1 - (y1 - y0) // 3, middle + 1, y1), fill=(84, 62, 44))
    leaves = (40 + int(rng.integers(40)), 95 + int(rng.integers(70)), 40 + int(rng.integers(40)))
    draw.ellipse((x0, y0, x1, y1 - (y1 - y0) // 4), fill=leaves)


_DRAWN: Mapping[str, Callable[[ImageDraw.ImageDraw, Rng, Corners], None]] = {
    "tree": _tree,
    "chimney": _chimney,
    "door": _door,
    "garage": _garage,
    "pool": _pool,
    "window": _window,
}
WHOLE = [0.2, 0.2, 0.8, 0.8]
FACADES = Album(
    "object_images",
    tuple(_DRAWN),
    draw_facade,
    column="objects",
    choose=placed,
    leaning=first_alone,
    mislabelled={
        "unknown": [{"label": "attic", "box": WHOLE}],
        "outside": [{"label": "door", "box": [0.9, 0.5, 1.2, 0.9]}],
        "empty": [{"label": "door", "box": [0.6, 0.5, 0.4, 0.9]}],
    },
)
