"""A parsed contract as JSON would hold it: texts for dates, and numbers that can be compared."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, time
from typing import Any


class Fault(Exception):
    """A contract says something that cannot be kept; becomes InvalidContract."""


def plain(document: Any, where: str = "") -> Any:
    """A parsed document with dates and times as ISO text, as another YAML reader left them.

    Args:
        document: Mappings, lists and single values.
        where: The place of it in the whole, as an error names it.

    Raises:
        Fault: a number is none that others are compared with, or two keys are one text.
    """
    if isinstance(document, Mapping):
        made = {str(plain(key)): plain(value, f"{where}{key}.") for key, value in document.items()}
        if len(made) < len(document):
            raise Fault(f"{where.rstrip('.') or 'file'}: two of its keys are one text")
        return made
    if isinstance(document, list | tuple):
        return [plain(value, f"{where}{at}.") for at, value in enumerate(document)]
    if isinstance(document, date | time):
        return document.isoformat()
    if isinstance(document, int | float):
        _require_comparable(document, where.rstrip(".") or "file")
    return document


def _require_comparable(number: float, where: str) -> None:
    """JSON knows neither .inf nor .nan, and nothing is compared with what no float holds."""
    try:
        finite = math.isfinite(number)
    except OverflowError:  # an integer beyond any float
        raise Fault(f"{where}: {number!s:.40}… is beyond what a number can be") from None
    if not finite:
        raise Fault(f"{where}: {number} is no number that a value could be compared with")
