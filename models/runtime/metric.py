"""A number measured on the held-out rows, declared with its direction and unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Better = Literal["smaller", "larger", "zero"]
"""What makes a value better: less, more, or nearer to zero on either side."""


@dataclass(frozen=True)
class Metric:
    """What a task measures.

    Args:
        better: What makes it better.
        unit: Of its values.
        meaning: In a sentence.
    """

    better: Better
    unit: str
    meaning: str
