"""The objects of a photo as labels name them, and the same as arrays.

An object is ``{"label": "door", "box": [x0, y0, x1, y1]}``: its corners as shares of the upright
photo's width and height, 0 at its left and upper edge, so that no resizing changes a box.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
EDGE = 1e-6
"""How far a corner may lie outside the photo: what float32 leaves of a 1. It is moved inside."""
FIELDS = 6
"""Numbers of a predicted object: number of its class from 1 (0: none), confidence, corners."""


class MalformedObject(ValueError):
    """What is no object in a photo, with the reason."""


def listed(value: Any) -> tuple[dict[str, Any], ...] | None:
    """The objects of one label; None where there is no label, () on a photo that shows none.

    Args:
        value: A list of objects, or its JSON text.

    Raises:
        MalformedObject: it is none, or a box is.
    """
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError as error:
            raise MalformedObject(f"{value!r:.60} is no list of objects: {error}") from error
    if value is None:
        return None
    if isinstance(value, str | Mapping) or not isinstance(value, Sequence | np.ndarray):
        raise MalformedObject(f"{value!r:.60} is no list of objects")
    return tuple(_object(entry) for entry in value)


def corners(box: Any) -> tuple[float, float, float, float]:
    """A box's corners.

    Raises:
        MalformedObject: it has not four finite numbers, lies outside the photo, or is empty.
    """
    numbers = list(box) if isinstance(box, Sequence | np.ndarray) else []
    sound = len(numbers) == 4 and all(
        isinstance(v, int | float | np.number) and not isinstance(v, bool) and math.isfinite(v)
        for v in numbers
    )
    if not sound:
        raise MalformedObject(f"box {box!r:.80} is not four numbers x0, y0, x1, y1")
    x0, y0, x1, y1 = map(float, numbers)
    if min(x0, y0) < -EDGE or max(x1, y1) > 1 + EDGE:
        raise MalformedObject(f"box {box!r:.80} leaves the photo, whose corners are 0 and 1")
    x0, y0, x1, y1 = (min(max(v, 0.0), 1.0) for v in (x0, y0, x1, y1))
    if x1 <= x0 or y1 <= y0:
        raise MalformedObject(f"box {box!r:.80} is empty: x0 < x1 and y0 < y1 is meant")
    return x0, y0, x1, y1


def arrays(
    labels: Sequence[Sequence[Mapping[str, Any]] | None], number_of: Mapping[str, int]
) -> Floats:
    """Objects → float64 [n, most of a photo, 5]: number of the class from 1, corners; 0: none.

    A class that ``number_of`` does not know is -1: no answer can name it.
    """
    most = max((len(row or ()) for row in labels), default=0)
    made = np.zeros((len(labels), most, 5))
    for row, objects in enumerate(labels):
        for place, entry in enumerate(objects or ()):
            made[row, place] = (number_of.get(entry["label"], -1), *entry["box"])
    return made


def told(objects: Sequence[Any], number_of: Mapping[str, int], most: int) -> Floats:
    """The objects of an answer → float64 [most, 6], filled up with zeros.

    Raises:
        MalformedObject: there are more, or one has no label that is known, no confidence from 0 to
            1 (1 where it says none), or no box.
    """
    if len(objects) > most:
        raise MalformedObject(f"it has {len(objects)} objects; most_objects allows {most}")
    made = np.zeros((most, FIELDS))
    for place, entry in enumerate(objects):
        named = entry if isinstance(entry, Mapping) else {}
        number, chance = number_of.get(str(named.get("label"))), named.get("confidence", 1.0)
        sound = isinstance(chance, int | float) and not isinstance(chance, bool)
        if number is None or not sound or not 0 <= chance <= 1:
            raise MalformedObject(
                f"{entry!r:.80} has no label of {', '.join(number_of)} with a confidence from 0 "
                "to 1"
            )
        made[place] = (number, chance, *corners(named.get("box")))
    return made


def spoken(row: Floats, sure: NDArray[np.bool_], classes: Sequence[str]) -> list[dict[str, Any]]:
    """The inverse of :func:`told`, as a client gets it.

    Args:
        row: Objects [most, 6].
        sure: Which of them reach the threshold [most].
        classes: Names; the first is number 1.
    """
    return [
        {
            "label": classes[int(entry[0]) - 1],
            "confidence": float(entry[1]),
            "confident": bool(is_sure),
            "box": [float(corner) for corner in entry[2:]],
        }
        for entry, is_sure in zip(row, sure, strict=True)
        if entry[0]
    ]


def _object(entry: Any) -> dict[str, Any]:
    label = entry.get("label") if isinstance(entry, Mapping) else None
    if not isinstance(label, str) or not label:
        raise MalformedObject(f"{entry!r:.80} is no object with a label and a box")
    return {"label": label, "box": list(corners(entry.get("box")))}
