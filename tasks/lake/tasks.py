"""The lake stage's door: Prefect tasks."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from tasks.aws import client
from tasks.errors import NoDataInWindow
from tasks.lake.bucket import keep_snapshot, take_snapshot
from tasks.lake.inventory import UNREAD, WHY, Owns, told
from tasks.lake.pull import cached_path, pull
from tasks.reports.artifacts import key_for, logger, show
from tasks.reports.pages import snapshot_page
from tasks.retrying import retried
from tasks.settings import settings
from tasks.values import Snapshot


@retried("snapshot", times=3)
def snapshot(
    dataset: str,
    prefix: str,
    window_days: int,
    end: date | None,
    owns: Owns | None = None,
) -> tuple[Snapshot, str]:
    """Pin what the lake holds of a data set, and write the list down; where it lies."""
    chosen = settings()
    pinned = take_snapshot(
        client("s3"), dataset, chosen.lake_bucket, prefix, window_days, end, owns=owns
    )
    address = keep_snapshot(client("s3"), chosen.work_bucket, pinned)
    logger().info(
        f"Snapshot {pinned.fingerprint[:12]}: {len(pinned.objects)} objects, "
        f"{pinned.start} to {pinned.end}, listed in {address}"
    )
    _tell(pinned)
    return pinned, address


def _tell(pinned: Snapshot) -> None:
    """Say what a snapshot leaves out; what may be data as a warning."""
    if pinned.left_out:
        logger().info(f"Left out: {told(pinned.left_out)}")
    for notice in pinned.notices:
        logger().warning(notice)


def _tell_nothing(nothing: NoDataInWindow) -> None:
    """Say why there is nothing; as a warning where objects that may be data were left out."""
    perhaps = any(f" {rule} (" in nothing.what for rule in UNREAD)
    (logger().warning if perhaps else logger().info)(str(nothing))


@retried("snapshot of what is new", times=3)
def snapshot_after(
    dataset: str, prefix: str, after: date, end: date | None, owns: Owns | None = None
) -> Snapshot | None:
    """Pin what came after a day; None when nothing did."""
    bucket = settings().lake_bucket
    try:
        pinned = take_snapshot(
            client("s3"), dataset, bucket, prefix, end=end, after=after, owns=owns
        )
    except NoDataInWindow as nothing:
        _tell_nothing(nothing)
        return None
    _tell(pinned)
    return pinned


@retried("what the lake holds", times=3)
def everything(dataset: str, prefix: str, owns: Owns | None = None) -> Snapshot | None:
    """Pin all there is of a data set; None when there is nothing."""
    try:
        pinned = take_snapshot(client("s3"), dataset, settings().lake_bucket, prefix, owns=owns)
    except NoDataInWindow as nothing:
        _tell_nothing(nothing)
        return None
    _tell(pinned)
    return pinned


@retried("pull")
def pull_snapshot(pinned: Snapshot, address: str = "") -> dict[str, Path]:
    """Pull what is new into the local cache; local path by object key."""
    chosen = settings()
    log = logger()
    missing = [
        item
        for item in pinned.objects
        if not cached_path(chosen.cache_dir, pinned.bucket, item).exists()
    ]

    def progress(done: int, total: int) -> None:
        if done == total or done % max(1, total // 10) == 0:
            log.info(f"Pulled {done} of {total} objects")

    paths = pull(client("s3"), pinned, chosen.cache_dir, chosen.cache_reserve_gb, progress=progress)
    page = snapshot_page(
        pinned,
        address,
        len(missing),
        sum(item.size for item in missing),
        WHY,
    )
    show(key_for("snapshot", pinned.dataset), page, "What was pinned and pulled")
    return paths
