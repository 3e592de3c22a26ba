"""What the last watch of a champion found, kept for the daily question whether it is due."""

from __future__ import annotations

from tasks import objects
from tasks.drift.alarms.claims import DAY_SECONDS, told_at
from tasks.drift.alarms.consequence import Consequence
from tasks.drift.quality.champion import Followed
from tasks.errors import AwsError
from tasks.stored import parsed
from tasks.values import Frozen

GRACE_DAYS = 1.0
"""An alarm starts a retraining by itself; only one that led to nothing is a reason of its own."""


class LastWatch(Frozen):
    """What is kept of a watch.

    Attributes:
        at: Unix seconds.
        window: Days that it looked at.
        consequence: What followed.
        then, now: See :class:`tasks.drift.quality.champion.Followed`.
        labelled: Names of the newest labelled periods, which CloudWatch was told.
    """

    at: float
    window: str
    consequence: Consequence
    then: float | None = None
    now: float | None = None
    labelled: tuple[str, ...] = ()


def key_of(model: str, version: str) -> str:
    """Where it lies in the work bucket."""
    return f"standing/{model}/{version}.json"


def keep_watch(
    bucket: str,
    model: str,
    version: str,
    at: float,
    window: str,
    consequence: Consequence,
    followed: Followed | None,
) -> LastWatch:
    """Write it down; the newest counts.

    Raises:
        AwsError: S3 did not take it.
    """
    watch = LastWatch(
        at=at,
        window=window,
        consequence=consequence,
        then=followed.then if followed else None,
        now=followed.now if followed else None,
        labelled=tuple(one.name for one in followed.newest) if followed else (),
    )
    key, body = key_of(model, version), watch.model_dump_json(indent=1).encode()
    for _ in range(5):
        before = objects.read(bucket, key)
        etag = (
            objects.create(bucket, key, body)
            if before is None
            else objects.swap(bucket, key, body, etag=before.etag)
        )
        if etag is not None:
            return watch
    raise AwsError(
        f"s3://{bucket}/{key} was changed by others five times in a row.",
        "See which other runs watch this model, then run again.",
    )


def last_watch(bucket: str, model: str, version: str) -> LastWatch | None:
    """What the last watch of this champion found; None when there was none."""
    key = key_of(model, version)
    record = objects.read(bucket, key)
    return None if record is None else parsed(LastWatch, record.body, f"s3://{bucket}/{key}")


def labelled_lately(watch: LastWatch | None, now: float, seconds: float) -> tuple[str, ...]:
    """Periods that the last watch told of, if that was within so many seconds."""
    return watch.labelled if watch is not None and now - watch.at < seconds else ()


def unanswered(bucket: str, model: str, version: str, watch: LastWatch, now: float) -> str:
    """Drift that was told a while ago, and the same champion still serves; else ""."""
    if watch.consequence.kind != "retrain":
        return ""
    at = told_at(bucket, model, version)
    if at is None or now - at < GRACE_DAYS * DAY_SECONDS:
        return ""
    days = (now - at) / DAY_SECONDS
    return f"{watch.consequence.reason}, told {days:.0f} days ago"
