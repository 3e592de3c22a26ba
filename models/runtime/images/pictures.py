"""An encoded image → pixels: nothing that a client sends may cost more than a photo does."""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.runtime.tables.cells import BadInput, shown

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

MAX_IMAGE_PIXELS = 50_000_000
"""Largest image, pixels."""
MAX_REQUEST_PIXELS = 4 * MAX_IMAGE_PIXELS
"""All images of one request together: a flat PNG of this size is a few hundred kilobytes."""
MAX_REQUEST_VALUES = 50_000_000
"""Numbers that the images of one request may become."""
SENT_FORMATS = ("JPEG", "PNG", "WEBP")
MOVING_FORMATS = frozenset({"PNG", "WEBP"})
"""Formats whose further frames make it move; a phone's JPEG has some that do not."""
ADDRESS = "image_url"
"""Key of an instance that says where its image lies."""


def pixels(data: bytes, size: tuple[int, int]) -> tuple[NDArray[np.uint8], int]:
    """Decode one image of any format that Pillow knows.

    Args:
        data: The file.
        size: Height and width to bring it to.

    Returns:
        uint8 [height, width, 3], and the pixels that the file held.

    Raises:
        ValueError: it has too many pixels.
        Exception: whatever Pillow raises; for a broken file that is nearly everything.
    """
    with _opened(data) as image:
        return _brought_to(image, size), image.width * image.height


def unpacked(instances: Sequence[Any], size: tuple[int, int]) -> int:
    """Pixels of the encoded images among instances, as their headers say; none is decoded.

    Raises:
        BadInput: they are too many, or one is no image.
    """
    return sum(image.width * image.height for image in _sent(instances, size).values())


def decoded(instances: Sequence[Any], size: tuple[int, int]) -> NDArray[np.uint8]:
    """JSON instances → uint8 [n, height, width, 3].

    An instance is ``{"b64": "<base64 of an image>"}`` or nested lists of 0 … 255.

    Raises:
        BadInput: an instance is neither, or they are too much together.
    """
    images = _sent(instances, size)
    pictures = []
    for number, instance in enumerate(instances):
        if number in images:
            try:
                picture = _brought_to(images.pop(number), size)
            except Exception as error:
                raise _no_image(number, instance, str(error)) from error
        else:
            picture = _from_lists(instance, size, number)
        pictures.append(picture)
    return np.stack(pictures)


def _sent(instances: Sequence[Any], size: tuple[int, int]) -> dict[int, Picture]:
    """The encoded images of a request by the numbers of their instances, opened and not decoded.

    All are counted before the first is decoded: a header is a few bytes, a decoded image is not.
    """
    most = max(1, MAX_REQUEST_VALUES // (size[0] * size[1] * 3))
    if len(instances) > most:
        raise BadInput(f"{len(instances)} images; at most {most} are answered in one request")
    budget, images = MAX_REQUEST_PIXELS, {}
    for number, instance in enumerate(instances):
        if not (isinstance(instance, Mapping) and isinstance(instance.get("b64"), str)):
            continue
        try:
            data = base64.b64decode(instance["b64"], validate=True)
        except (binascii.Error, ValueError) as error:
            raise _no_image(number, instance, f"not base64: {error}", "") from error
        try:
            image = _opened(data, SENT_FORMATS)
            if image.format in MOVING_FORMATS and getattr(image, "is_animated", False):
                raise ValueError("it moves; send one frame")
        except Exception as error:
            # Pillow raises a dozen kinds for broken files; each is about what the client sent.
            raise _no_image(number, instance, str(error)) from error
        budget -= image.width * image.height
        if budget < 0:
            raise BadInput(
                f"instance {number}: the images of a request may have {MAX_REQUEST_PIXELS} pixels "
                "together; send fewer, or smaller ones"
            )
        images[number] = image
    return images


def _opened(data: bytes, formats: tuple[str, ...] | None = None) -> Picture:
    """An image whose header is read.

    Raises:
        ValueError: it has too many pixels.
        Exception: whatever Pillow raises.
    """
    from PIL import Image

    image = Image.open(io.BytesIO(data), formats=formats)
    if image.width * image.height > MAX_IMAGE_PIXELS:
        raise ValueError(f"{image.width}×{image.height} pixels are too many")
    return image


def _brought_to(image: Picture, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Decode and resize → uint8 [height, width, 3]."""
    from PIL import Image

    height, width = size
    # Lets libjpeg decode at a fraction of the size: several times faster on photos.
    image.draft("RGB", (width * 2, height * 2))
    if image.mode.startswith("I"):
        # Of 16 bits the upper 8, as browsers read them; Pillow itself would cut off at 255.
        image = Image.fromarray((np.asarray(image) >> 8).clip(0, 255).astype(np.uint8))
    small = image.convert("RGB").resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(small, dtype=np.uint8)


def _no_image(
    number: int, instance: Mapping[str, Any], why: str, read: str = " (JPEG, PNG or WebP)"
) -> BadInput:
    key = ADDRESS if ADDRESS in instance else "b64"
    if why.startswith("cannot identify"):  # an address in memory follows
        why = "not one by its first bytes"
    said = why if why.startswith("not ") else shown(why)
    return BadInput(f"instance {number}: {key} is not an image{read}: {said}")


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
    # NumPy takes true for 1 where a number stands beside it.
    if bool in set(map(type, chain.from_iterable(chain.from_iterable(instance)))):
        raise BadInput(f"{complaint}, and true is none")
    if not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= 255):
        raise BadInput(f"instance {number}: pixels must lie in 0 … 255")
    return array.astype(np.uint8)
