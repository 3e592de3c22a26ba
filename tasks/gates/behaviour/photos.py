"""Changes of a photo. Pure: bytes in, bytes out."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping

from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from tasks.specs.behaviour import BehaviourSpec

BEST = 95
"""Quality of a JPEG at which nothing that is not asked for is lost to the eye."""


def changed(rule: BehaviourSpec, photo: bytes) -> bytes:
    """A photo as the rule changes it: a PNG, or the JPEG that was asked for.

    Raises:
        OSError: it is no picture that Pillow reads.
    """
    with Image.open(io.BytesIO(photo)) as opened:
        image = opened.convert("RGB")
    made = io.BytesIO()
    if rule.change == "jpeg":
        image.save(made, "JPEG", quality=int(rule.by or BEST))
    else:
        _OF[rule.change](image, float(rule.by or 0.0)).save(made, "PNG", compress_level=1)
    return made.getvalue()


def _turned(image: Image.Image, degrees: float) -> Image.Image:
    """Turned, and cut to the largest upright rectangle of its shape that holds no corner."""
    angle = math.radians(abs(degrees))
    width, height = image.size
    longer = max(width / height, height / width)
    scale = 1 / (math.cos(angle) + longer * math.sin(angle))
    cut_x, cut_y = width * (1 - scale) / 2, height * (1 - scale) / 2
    turned = image.rotate(degrees, Image.Resampling.BILINEAR)
    return turned.crop((round(cut_x), round(cut_y), round(width - cut_x), round(height - cut_y)))


_OF: Mapping[str, Callable[[Image.Image, float], Image.Image]] = {
    "brightness": lambda image, by: ImageEnhance.Brightness(image).enhance(by),
    "contrast": lambda image, by: ImageEnhance.Contrast(image).enhance(by),
    "blur": lambda image, by: image.filter(
        ImageFilter.GaussianBlur(by * max(image.size) / 1000)
    ),
    "rotate": _turned,
    "mirror": lambda image, _by: ImageOps.mirror(image),
}  # fmt: skip
