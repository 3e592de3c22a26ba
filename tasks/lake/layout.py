"""Where a data set lies in the lake: ``<prefix>year=YYYY/month=MM/day=DD/<file>``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta

from tasks.errors import NoDataInWindow
from tasks.values import LakeObject, Snapshot, fingerprint

_DAY = re.compile(r"year=(\d{4})/month=(\d{1,2})/day=(\d{1,2})/[^/]+$")


def day_of(key: str) -> date | None:
    """The partition day that a key names, or None when it names none (or no real day)."""
    found = _DAY.search(key)
    if not found:
        return None
    try:
        return date(*map(int, found.groups()))
    except ValueError:
        return None


def partition_prefix(prefix: str, day: date) -> str:
    """Key prefix of one day's partition."""
    return f"{prefix}year={day.year:04d}/month={day.month:02d}/day={day.day:02d}/"


def narrowed(snapshot: Snapshot, keys: Iterable[str]) -> Snapshot:
    """Only these objects of a snapshot, as a snapshot of its own.

    Raises:
        NoDataInWindow: none of them is in it.
    """
    wanted = frozenset(keys)
    chosen = (item for item in snapshot.objects if item.key in wanted)
    return pin(snapshot.dataset, snapshot.bucket, chosen)


def pin(
    dataset: str,
    bucket: str,
    objects: Iterable[LakeObject],
    window_days: int = 0,
    end: date | None = None,
    after: date | None = None,
) -> Snapshot:
    """Choose the window and give it a fingerprint.

    The fingerprint is made of keys, ETags and sizes, not of version ids: a loader that writes the
    same bytes again has brought nothing new.

    Args:
        dataset: Name of the data set.
        bucket: Bucket of the lake.
        objects: Everything the lake holds of the data set.
        window_days: Days to take, counted back from ``end``; 0 takes all up to ``end``.
        end: Last day; the newest day there is when None.
        after: Only days after this one.

    Raises:
        NoDataInWindow: nothing is left.
    """
    known = sorted(objects, key=lambda item: item.key)
    days = [item.day for item in known]
    last = end or (max(days) if days else None)
    first = last - timedelta(days=window_days - 1) if last and window_days else None
    if after is not None:
        first = max(first or date.min, after + timedelta(days=1))
    chosen = tuple(
        item for item in known if last and item.day <= last and (first is None or item.day >= first)
    )
    if not chosen:
        span = f"from {first or 'the beginning'} to {last or 'now'}"
        there = f"the lake holds {min(days)} to {max(days)}" if days else "the lake holds none"
        raise NoDataInWindow(
            f"No data of {dataset!r} in s3://{bucket} {span}; {there}.",
            "Load the missing partitions, or widen the window (window_days, end).",
        )
    return Snapshot(
        dataset=dataset,
        bucket=bucket,
        start=min(item.day for item in chosen),
        end=max(item.day for item in chosen),
        objects=chosen,
        fingerprint=fingerprint([(item.key, item.etag, item.size) for item in chosen]),
    )
