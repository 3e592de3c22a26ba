"""Rooms in each condition, made from a seed: cracks, stains and flaking paint tell how worn one is.

The scale is ordered: each step down has about twice as much wear as the one above, of any kind and
anywhere in the picture. Light and colour of the room say nothing of it. People who judge it
disagree about one photo in forty, by one step.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from deployments.demo.photos import DAYLIGHT, PHOTO, Album, Rng, colour, lit, taken
from deployments.demo.rooms import ROOMS, furnished

WEAR = {"poor": 28, "fair": 14, "average": 7, "good": 3, "excellent": 0}
"""Traces of wear in a photo, worst first; one more or less in six."""
DISAGREED = 1 / 40


def draw_condition(condition: str, rng: Rng) -> Image.Image:
    """A picture of some room in this condition."""
    steps = list(WEAR)
    at = steps.index(condition)
    if rng.random() < DISAGREED:
        at = min(max(at + int(rng.choice((-1, 1))), 0), len(steps) - 1)
    usual = WEAR[steps[at]]
    count = usual + int(rng.integers(-usual // 6, usual // 6 + 1)) if usual else 0
    image = lit(furnished(ROOMS.labels[int(rng.integers(len(ROOMS.labels)))], rng), rng)
    for _ in range(count):
        _TRACES[int(rng.integers(len(_TRACES)))](image, rng)
    return taken(image, rng, DAYLIGHT)


def _crack(image: Image.Image, rng: Rng) -> None:
    points = np.asarray(_place(rng)) + rng.normal(0, 5, (5, 2)).cumsum(axis=0)
    corners = [(float(x), float(y)) for x, y in points]
    ImageDraw.Draw(image).line(corners, fill=colour(rng, 15, 60, 5), width=2)


def _stain(image: Image.Image, rng: Rng) -> None:
    (x, y), size = _place(rng), float(rng.uniform(5, 10))
    mask = Image.new("L", image.size, 0)
    ImageDraw.Draw(mask).ellipse((x - size, y - size * 0.7, x + size, y + size * 0.7), fill=150)
    mask = mask.filter(ImageFilter.GaussianBlur(1.5))
    image.paste(Image.new("RGB", image.size, (96, 72, 44)), (0, 0), mask)


def _flake(image: Image.Image, rng: Rng) -> None:
    """Paint that came off: a ragged patch of plaster with a dark rim."""
    (x, y), angles = _place(rng), np.sort(rng.uniform(0, 2 * np.pi, 7))
    radii = rng.uniform(3.5, 7, 7)
    corners = [
        (x + r * float(np.cos(a)), y + r * float(np.sin(a)))
        for a, r in zip(angles, radii, strict=True)
    ]
    ImageDraw.Draw(image).polygon(corners, fill=colour(rng, 190, 230, 8), outline=(70, 62, 55))


def _place(rng: Rng) -> tuple[float, float]:
    return float(rng.uniform(3, PHOTO[0] - 3)), float(rng.uniform(3, PHOTO[1] - 3))


_TRACES = (_crack, _stain, _flake)
CONDITIONS = Album("condition_images", tuple(WEAR), draw_condition)
