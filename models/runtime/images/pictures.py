"""An encoded image → pixels: nothing that a client sends may cost more than a photo does."""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.runtime.tables.cells import BadInput, shown

MAX_IMAGE_PIXELS = 50_000_000
"""Largest image, pixels."""
MAX_REQUEST_PIXELS = 4 * MAX_IMAGE_PIXELS
"""All images of one request together: a flat PNG of this size is a few hundred kilobytes."""
MAX_REQUEST_VALUES = 50_000_000
"""Numbers that the images of one request may become."""
SENT_FORMATS = ("JPEG", "PNG", "WEBP")
ADDRESS = "image_url"
"""Key of an instance that says where its image lies."""


def pixels(
    data: bytes, size: tuple[int, int], formats: tuple[str, ...] | None = None
) -> tuple[NDArray[np.uint8], int]:
    """Decode one image.

    Args:
        data: The file.
        size: Height and width to bring it to.
        formats: Formats that are read; None reads all that Pillow knows.

    Returns:
        uint8 [height, width, 3], and the pixels that the file held.

    Raises:
        ValueError: it has too many pixels.
        Exception: whatever Pillow raises; for a broken file that is nearly everything.
    """
    from PIL import Image

    height, width = size
    with Image.open(io.BytesIO(data), formats=formats) as image:
        count = image.width * image.height
        if count > MAX_IMAGE_PIXELS:
            raise ValueError(f"{image.width}×{image.height} pixels are too many")
        # Lets libjpeg decode at a fraction of the size: several times faster on photos.
        image.draft("RGB", (width * 2, height * 2))
        small = image.convert("RGB").resize((width, height), Image.Resampling.BILINEAR)
        return np.asarray(small, dtype=np.uint8), count


def decoded(instances: Sequence[Any], size: tuple[int, int]) -> NDArray[np.uint8]:
    """JSON instances → uint8 [n, height, width, 3].

    An instance is ``{"b64": "<base64 of an image>"}`` or nested lists of 0 … 255.

    Raises:
        BadInput: an instance is neither, or they are too much together.
    """
    most = max(1, MAX_REQUEST_VALUES // (size[0] * size[1] * 3))
    if len(instances) > most:
        raise BadInput(f"{len(instances)} images; at most {most} are answered in one request")
    budget = MAX_REQUEST_PIXELS
    pictures = []
    for number, instance in enumerate(instances):
        if isinstance(instance, Mapping) and isinstance(instance.get("b64"), str):
            key = ADDRESS if ADDRESS in instance else "b64"
            image, count = _from_base64(instance["b64"], size, number, key)
            budget -= count
            if budget < 0:
                raise BadInput(
                    f"instance {number}: the images of a request may have {MAX_REQUEST_PIXELS} "
                    "pixels together; send fewer, or smaller ones"
                )
        else:
            image = _from_lists(instance, size, number)
        pictures.append(image)
    return np.stack(pictures)


def _from_base64(
    text: str, size: tuple[int, int], number: int, key: str
) -> tuple[NDArray[np.uint8], int]:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadInput(f"instance {number}: {key} is not an image: not base64: {error}") from error
    try:
        return pixels(data, size, SENT_FORMATS)
    except Exception as error:
        # Pillow raises a dozen kinds for broken files; each is about what the client sent.
        raise BadInput(
            f"instance {number}: {key} is not an image (JPEG, PNG or WebP): {shown(str(error))}"
        ) from error


def _from_lists(instance: Any, size: tuple[int, int], number: int) -> NDArray[np.uint8]:
    complaint = f'instance {number}: expected {{"b64": "…"}} or nested lists of numbers'
    if not isinstance(instance, list):
        raise BadInput(f"{complaint}, got {shown(instance)}")
    try:
        array = np.asarray(instance)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise BadInput(f"{complaint}, all of one length") from error
    if array.size and array.dtype.kind not in "iuf":
        raise BadInput(f"{complaint}, got {shown(instance)}")
    if array.shape != (*size, 3):
        raise BadInput(
            f"instance {number}: shape {array.shape}, expected {(*size, 3)} "
            "(or a JPEG of any size as b64)"
        )
    if not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= 255):
        raise BadInput(f"instance {number}: pixels must lie in 0 … 255")
    return array.astype(np.uint8)
