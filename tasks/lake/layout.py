"""Which objects of the lake a run takes: the window, its fingerprint, what was left out. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from tasks.errors import LayoutAmbiguous, LayoutUnknown, NoDataInWindow
from tasks.lake.inventory import (
    AFTER,
    BEFORE,
    NOT_ASKED,
    UNREAD,
    WHY,
    Inventory,
    Tally,
    shapes_of,
    told,
    twins_of,
)
from tasks.lake.partitions import LAYOUTS, Place, partition_prefix
from tasks.values import LakeObject, LeftOut, Snapshot, fingerprint

__all__ = ["narrowed", "partition_prefix", "pin", "pin_inventory"]


def narrowed(snapshot: Snapshot, keys: Iterable[str]) -> Snapshot:
    """Only these objects of a snapshot, as a snapshot of its own.

    Raises:
        NoDataInWindow: none of them is in it.
    """
    wanted = frozenset(keys)
    tally = Tally()
    tally.extend(snapshot.left_out)
    for item in snapshot.objects:
        if item.key not in wanted:
            tally.add(NOT_ASKED, item.key)
    chosen = (item for item in snapshot.objects if item.key in wanted)
    part = pin(snapshot.dataset, snapshot.bucket, chosen)
    return part.model_copy(update={"left_out": tally.left_out(), "notices": snapshot.notices})


def pin(
    dataset: str,
    bucket: str,
    objects: Iterable[LakeObject],
    window_days: int = 0,
    end: date | None = None,
    after: date | None = None,
    left_out: Iterable[LeftOut] = (),
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
        left_out: What other rules left out before.

    Raises:
        NoDataInWindow: nothing is left.
    """
    known = sorted(objects, key=lambda item: item.key)
    days = [item.day for item in known]
    last = end or (max(days) if days else None)
    first = last - timedelta(days=window_days - 1) if last and window_days else None
    if after is not None:
        first = max(first or date.min, after + timedelta(days=1))
    tally = Tally()
    tally.extend(left_out)
    chosen = []
    for item in known:
        if last and item.day > last:
            tally.add(AFTER, item.key)
        elif first is not None and item.day < first:
            tally.add(BEFORE, item.key)
        else:
            chosen.append(item)
    if not chosen:
        span = f"from {first or 'the beginning'} to {last or 'now'}"
        there = f"the lake holds {min(days)} to {max(days)}" if days else "the lake holds none"
        others = told(tally.left_out())
        raise NoDataInWindow(
            f"No data of {dataset!r} in s3://{bucket} {span}; {there}."
            + (f" Left out: {others}." if others else ""),
            "Load the missing partitions, or widen the window (window_days, end).",
        )
    return Snapshot(
        dataset=dataset,
        bucket=bucket,
        start=min(item.day for item in chosen),
        end=max(item.day for item in chosen),
        objects=tuple(chosen),
        fingerprint=fingerprint([(item.key, item.etag, item.size) for item in chosen]),
        left_out=tally.left_out(),
    )


def pin_inventory(
    dataset: str,
    bucket: str,
    inventory: Inventory,
    window_days: int = 0,
    end: date | None = None,
    after: date | None = None,
) -> Snapshot:
    """Choose the window out of all that lies below a prefix.

    Args: as of :func:`pin`.

    Raises:
        LayoutUnknown: there are objects, and not one has a day.
        LayoutAmbiguous: a day of the window lies in two layouts.
        NoDataInWindow: nothing is left.
    """
    unread = [item for item in inventory.left_out if item.rule in UNREAD]
    if unread and not inventory.objects:
        raise LayoutUnknown(
            f"No object of {dataset!r} in s3://{bucket} lies in a folder that names its day: "
            f"{told(unread)}.",
            f"Lay the data out in one of the layouts that are read: {', '.join(LAYOUTS)}; any "
            "folders may stand below (hour=00/). docs/lake.md tells more.",
        )
    pinned = pin(dataset, bucket, inventory.objects, window_days, end, after, inventory.left_out)
    _one_layout_a_day(pinned, inventory.places)
    notices = [
        f"{item.count:,} objects were left out and may be data: {item.rule} "
        f"({WHY[item.rule]}), e.g. {ascii(item.example[:200])[1:-1]}."
        for item in unread
    ]
    notices += [*shapes_of(pinned.objects, inventory.places), *twins_of(pinned.objects)]
    return pinned.model_copy(update={"notices": tuple(notices)})


def _one_layout_a_day(pinned: Snapshot, places: Mapping[str, Place]) -> None:
    layouts: dict[date, dict[str, str]] = {}
    for item in pinned.objects:
        layouts.setdefault(item.day, {}).setdefault(places[item.key].shape, item.key)
    twice = {day: shapes for day, shapes in layouts.items() if len(shapes) > 1}
    if not twice:
        return
    first = min(twice)
    keys = ", ".join(ascii(key[:200])[1:-1] for key in twice[first].values())
    raise LayoutAmbiguous(
        f"{len(twice):,} days of {pinned.dataset!r} in s3://{pinned.bucket} lie in two layouts, "
        f"the first is {first} ({keys}): reading both might double its rows, reading one might "
        "lose some.",
        "Remove one of them, or name the other one in the contract's servers.location.",
    )
