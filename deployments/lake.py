"""Put data into the lake: ``python -m deployments.lake``.

``house-sales FILE`` writes a CSV of dated sales as one partition a day; ``folder ROOT`` copies a
folder tree that is already shaped like the lake. Both read back what they wrote, and leave alone
what is already there with the same bytes.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import io
import sys
import tempfile
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

from tasks.aws import asking, client
from tasks.errors import ObjectCorrupt, SluiceError, UnreadableData
from tasks.lake.layout import partition_prefix
from tasks.settings import settings

DAY = "date"
WORKERS = 16


def daily_partitions(source: Path, root: Path, dataset: str) -> int:
    """Split a CSV (plain or gzip) by its ``date`` column into one gzip CSV a day; rows written.

    The same input gives the same bytes, so that loading twice changes nothing in the lake.

    Raises:
        UnreadableData: the file has no ``date`` column, or a row's date is no date.
    """
    opener: Any = gzip.open if source.suffix == ".gz" else open
    days: dict[date, list[dict[str, str]]] = defaultdict(list)
    with opener(source, "rt", encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if DAY not in (reader.fieldnames or ()):
            raise UnreadableData(
                f"{source} has no column {DAY!r} (it has {reader.fieldnames}).",
                "Load a CSV whose rows bear the day of the sale.",
            )
        for number, row in enumerate(reader, start=2):
            try:
                days[date.fromisoformat(row[DAY][:10])].append(row)
            except ValueError as error:
                raise UnreadableData(
                    f"{source}, line {number}: {row[DAY]!r} is no date.",
                    "Correct the line; a lake's partition needs a day.",
                ) from error
    for day, rows in days.items():
        folder = root / partition_prefix(f"{dataset}/", day)
        folder.mkdir(parents=True, exist_ok=True)
        text = io.StringIO()
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        (folder / "part-0.csv.gz").write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))
    return sum(len(rows) for rows in days.values())


def upload(root: Path, bucket: str, prefix: str = "raw/") -> tuple[int, int]:
    """Copy a folder tree below a prefix.

    Returns:
        Files written, and files that were there already with the same bytes.

    Raises:
        ObjectCorrupt: an object was read back other than it was sent.
    """
    s3 = client("s3")
    files = sorted(path for path in root.rglob("*") if path.is_file())

    def put(path: Path) -> bool:
        key = prefix + path.relative_to(root).as_posix()
        body = path.read_bytes()
        md5 = hashlib.md5(body, usedforsecurity=False).hexdigest()
        if _etag(s3, bucket, key) == md5:
            return False
        with asking(f"PutObject s3://{bucket}/{key}"):
            s3.put_object(Bucket=bucket, Key=key, Body=body)
        seen = _etag(s3, bucket, key)
        if seen != md5:
            raise ObjectCorrupt(
                f"s3://{bucket}/{key} was sent with MD5 {md5} and stands there with ETag {seen}.",
                "Load again; with KMS encryption, compare S3's own checksums instead.",
            )
        return True

    with ThreadPoolExecutor(max_workers=WORKERS, thread_name_prefix="load") as pool:
        written = sum(pool.map(put, files))
    return written, len(files) - written


def _etag(s3: Any, bucket: str, key: str) -> str:
    from botocore.exceptions import ClientError

    try:
        return str(s3.head_object(Bucket=bucket, Key=key)["ETag"]).strip('"')
    except ClientError as error:
        if error.response["Error"]["Code"] in {"404", "NoSuchKey", "NotFound"}:
            return ""
        raise


def main() -> int:
    """Exit status 0 when everything is in the lake."""
    parser = argparse.ArgumentParser(prog="python -m deployments.lake", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    sales = verbs.add_parser("house-sales", help="a CSV of dated sales, one partition a day")
    sales.add_argument("file", type=Path)
    sales.add_argument("--dataset", default="property_sales")
    folder = verbs.add_parser("folder", help="a folder <root>/<data set>/year=/month=/day=/…")
    folder.add_argument("root", type=Path)
    asked = parser.parse_args()
    try:
        if asked.verb == "folder":
            written, there = upload(asked.root, settings().lake_bucket)
        else:
            with tempfile.TemporaryDirectory(prefix="sluice-load-") as scratch:
                rows = daily_partitions(asked.file, Path(scratch), asked.dataset)
                print(f"» {rows:,} rows in {asked.file.name}")
                written, there = upload(Path(scratch), settings().lake_bucket)
    except (SluiceError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"» s3://{settings().lake_bucket}: {written:,} files written, {there:,} already there")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
