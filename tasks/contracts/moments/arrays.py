"""Many dates and times at once: text, Arrow dates and Arrow timestamps.

ISO 8601 is read without a loop; another form costs one reading for each different text.
"""

from __future__ import annotations

from datetime import UTC, date, tzinfo
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tasks.contracts.model import Column
from tasks.contracts.moments.reading import CLOCK, DAY, STAMP, reader, written_clock, zone_of
from tasks.contracts.moments.zones import in_utc

EPOCH = date(1970, 1, 1).toordinal()
CALENDAR = (date.min.toordinal() - EPOCH, date.max.toordinal() + 1 - EPOCH)
"""First day of the year 1 and of the year 10000, in days since 1970."""
UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def dates(column: Column, raw: Any) -> Any:
    """Texts → date32, null where they are no dates."""
    if column.format not in {"", DAY}:
        return _each(column, raw, pa.date32())
    parsed = pd.to_datetime(
        _matching(raw, r"\d{4}-\d\d-\d\d").to_pandas(), format="%Y-%m-%d", errors="coerce"
    )
    days = pa.Array.from_pandas(parsed.astype("datetime64[s]")).cast(pa.date32())
    return in_calendar(days, days.cast(pa.int32()).cast(pa.int64()))


def stamps(column: Column, raw: Any) -> Any:
    """Texts → timestamps in UTC (bare where the contract knows no zone), null where none."""
    kind = pa.timestamp("us", tz="UTC" if column.zoned else None)
    if column.format:
        return _each(column, raw, kind)
    shaped = _matching(raw, STAMP)
    named = pc.fill_null(pc.match_substring_regex(shaped, r"\d(Z|[+-]\d\d:?\d\d)$"), False)
    named = pc.and_(named, pc.fill_null(pc.match_substring(shaped, ":"), False))
    zone = zone_of(column)
    if zone is UTC and column.timezone:
        parsed = pd.to_datetime(shaped.to_pandas(), format="ISO8601", errors="coerce", utc=True)
        array = pa.Array.from_pandas(parsed.astype("datetime64[us, UTC]"))
    else:
        array = _bare(pc.if_else(named, None, shaped), zone)
        if column.timezone:
            other = pc.if_else(named, shaped, None).to_pandas()
            moved = pd.to_datetime(other, format="ISO8601", errors="coerce", utc=True)
            array = pc.coalesce(pa.Array.from_pandas(moved.astype("datetime64[us, UTC]")), array)
    array = in_calendar(array, array.cast(pa.int64()))
    return array if column.zoned else array.cast(kind)


def _bare(texts: Any, zone: tzinfo) -> Any:
    parsed = pd.to_datetime(texts.to_pandas(), format="ISO8601", errors="coerce")
    return localised(pa.Array.from_pandas(parsed.astype("datetime64[us]")), zone)


def localised(walls: Any, zone: tzinfo) -> Any:
    """Wall-clock times of a zone → UTC; null where its clocks never, or twice, show them."""
    bare = _floored(walls).cast(pa.timestamp("us"), safe=False)
    if zone is UTC:
        return bare.cast(pa.timestamp("us", tz="UTC"))
    instants = {wall: in_utc(wall, zone) for wall in bare.unique().to_pylist() if wall is not None}
    kind = pa.timestamp("us", tz="UTC")
    return pa.array([instants.get(wall) for wall in bare.to_pylist()], kind)


def times(column: Column, raw: Any) -> Any:
    """Texts → times of day as text, ``HH:mm:ss`` with a fraction where there is one."""
    if column.format:
        read = reader(column)
        clocks = {text: read(text) for text in raw.unique().to_pylist() if text is not None}
        known = {text: written_clock(m) for text, m in clocks.items() if m is not None}  # type: ignore[arg-type]
        return pa.array([known.get(text) for text in raw.to_pylist()], pa.string())
    whole = _matching(raw, CLOCK)
    whole = pc.replace_substring_regex(whole, r"^(\d\d:\d\d)$", r"\1:00")
    return pc.replace_substring_regex(whole, r"\.0+$|(\.\d*?[1-9])0+$", r"\1")


def _each(column: Column, raw: Any, kind: Any) -> Any:
    read = reader(column)
    readings = {text: read(text) for text in raw.unique().to_pylist() if text is not None}
    return pa.array([readings.get(text) for text in raw.to_pylist()], kind)


def _matching(raw: Any, pattern: str) -> Any:
    return pc.if_else(pc.match_substring_regex(raw, f"^({pattern})$"), raw, None)


def moments(column: Column, raw: Any, wanted: Any) -> tuple[Any, Any]:
    """Arrow dates and timestamps → the wanted type, and beside it what did not read.

    That is what lies beyond the years 1 to 9999, in no known zone, names no moment in the
    column's own zone, or, where days are wanted, is later than midnight of the clock that it names.
    """
    counted = raw.cast(pa.int32()) if pa.types.is_date32(raw.type) else raw.cast(pa.int64())
    kept = in_calendar(raw, counted.cast(pa.int64()))
    try:
        bare = not pa.types.is_timestamp(raw.type) or raw.type.tz is None
        if bare and pa.types.is_timestamp(wanted):
            # A wall time: its zone is the one that the contract names.
            kept = localised(kept, zone_of(column))
        elif pa.types.is_timestamp(raw.type) and pa.types.is_date(wanted):
            kept = _days(kept if bare else pc.local_timestamp(kept))
        typed = _floored(kept).cast(wanted, safe=False)
    except pa.ArrowInvalid:
        typed = pa.nulls(len(raw), wanted)
    failed = pc.and_(pc.is_valid(raw), pc.is_null(typed))
    if not pc.any(failed).as_py():
        return typed, pa.nulls(len(raw), pa.string())
    texts = [None if count is None else f"{count} as {raw.type}" for count in counted.to_pylist()]
    return typed, pc.if_else(failed, pa.array(texts, pa.string()), None)


def _floored(values: Any) -> Any:
    """Nanoseconds as microseconds, cut off as text is, where Arrow would round towards 1970."""
    kind = values.type
    if not pa.types.is_timestamp(kind) or kind.unit != "ns":
        return values
    counts = values.cast(pa.int64())
    whole = pc.divide(counts, 1000)
    late = pc.greater(pc.multiply(whole, 1000), counts)
    return pc.subtract(whole, late.cast(pa.int64())).cast(pa.timestamp("us", kind.tz))


def _days(walls: Any) -> Any:
    """Wall-clock times that are midnights, null for others: no day is cut out of a moment."""
    counts = walls.cast(pa.int64())
    per_day = 86_400 * UNITS[walls.type.unit]
    midnights = pc.equal(pc.multiply(pc.divide(counts, per_day), per_day), counts)
    return pc.if_else(midnights, walls, None)


def in_calendar(values: Any, counted: Any) -> Any:
    """Moments of the years 1 to 9999, null for others, which would wrap around unseen."""
    kind = values.type
    if pa.types.is_timestamp(kind):
        per_day = 86_400 * UNITS[kind.unit]
    else:
        per_day = 1 if pa.types.is_date32(kind) else 86_400_000
    first, beyond = (max(-(2**63), min(2**63 - 1, day * per_day)) for day in CALENDAR)
    inside = pc.and_(pc.greater_equal(counted, first), pc.less(counted, beyond))
    return pc.if_else(inside, values, None)
