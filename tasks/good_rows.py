"""Good rows as validation leaves them in a folder, and as every later stage reads them. Pure.

Tables are Parquet files with the day of each row's partition in a column of their own. Pictures lie
beside one file of JSON lines, one line a picture, which names its file and its day.
"""

from __future__ import annotations

from datetime import date
from typing import Any

DAY = "_day"
"""Column of a table: the day of the partition that a row came from, date32."""
LABELS = "labels.jsonl"
"""File of pictures' labels."""
LABEL_DAY = "day"
"""Key of a line of labels: the day of its partition, YYYY-MM-DD."""


def day_of(value: Any) -> date:
    """A day as a column or a line of labels holds it: a date, a time, or text that begins so."""
    return value if type(value) is date else date.fromisoformat(str(value)[:10])
