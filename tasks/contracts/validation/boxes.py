"""Boxes around the objects of a photo: what no part of a box shows by itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tasks.contracts.odcs.single import is_number


def box_fault(objects: Sequence[Any]) -> str | None:
    """The first box whose corners are no corners, or None where all are.

    That a box is four numbers from 0 to 1 the contract says of its items; here they are held to one
    another: x0 < x1 and y0 < y1.

    Args:
        objects: A list of objects with a ``box`` each.
    """
    for at, entry in enumerate(objects):
        box = entry.get("box") if isinstance(entry, dict) else None
        if not isinstance(box, list) or len(box) != 4 or not all(map(is_number, box)):  # noqa: PLR2004 - x0, y0, x1, y1
            return f"[{at}].box is not x0, y0, x1, y1"
        for name, low, high in (("x", box[0], box[2]), ("y", box[1], box[3])):
            if not low < high:
                return f"[{at}].box: {name}0 is {low}, {name}1 is {high}: it is empty"
    return None
