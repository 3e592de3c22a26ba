"""Put data into the lake: ``python -m deployments.lake``.

``folder ROOT`` copies a folder tree that is shaped like the lake: ``ROOT/<data set>/``, and below
it any layout that is read (docs/lake.md). With ``--dataset NAME``, ROOT is that data set's own
folder; with ``--day``, files that lie in no day's folder are put into that day's. ``table FILE``
splits a CSV by a column of days, one partition a day; ``house-sales FILE`` is the same for the
house sales.

Nothing is sent before all of it has been looked at: a file whose folders name no day stops the
command, markers and checksums stay behind and are counted. What was sent is read back, and what is
already there with the same bytes is left alone.
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
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

from tasks.aws import asking, client
from tasks.contracts import Contract, known_contracts, load_contract
from tasks.errors import (
    AwsRejected,
    InvalidSetting,
    LayoutUnknown,
    ObjectCorrupt,
    SluiceError,
    UnreadableData,
)
from tasks.lake.inventory import Tally, told
from tasks.lake.partitions import LAYOUTS, partition_prefix, place_of
from tasks.lake.streams import text_stream
from tasks.settings import settings
from tasks.side_files import side_file
from tasks.values import LeftOut

RAW = "raw/"
DAY = "date"
WORKERS = 16
CHUNK = 1 << 20
LARGEST = 5 * (1 << 30)  # bytes of one PutObject
SHOWN = 5
ABSENT = frozenset({"404", "NoSuchKey", "NotFound"})


def contract_for(dataset: str) -> Contract | None:
    """The data set's contract, or None when it has none yet.

    Raises:
        InvalidContract: there is one, and it cannot be kept.
    """
    folder = settings().contracts_dir
    return load_contract(dataset, folder) if dataset in known_contracts(folder) else None


def home_of(dataset: str) -> str:
    """Key prefix of a data set's folder: as its contract says, else ``raw/<data set>/``."""
    contract = contract_for(dataset)
    prefix = f"{RAW}{dataset}/" if contract is None else contract.location_prefix
    return prefix[: prefix.rfind("/") + 1]


def daily_partitions(
    source: Path,
    root: Path,
    dataset: str,
    column: str = DAY,
    delimiter: str = ",",
    encoding: str = "utf-8",
) -> int:
    """Split a CSV (plain or compressed) by a column of days into one gzip CSV a day; rows written.

    The same input gives the same bytes, so that loading twice changes nothing in the lake.

    Args:
        source: The CSV.
        root: Receives ``year=/month=/day=/part-0.csv.gz``.
        dataset: Its contract says how the parts are written; UTF-8 and commas when it says nothing.
        column: The column whose values begin with the day (``2024-07-01``, ``20240701``).
        delimiter: What stands between the source's fields.
        encoding: The source's encoding; a byte-order mark counts before it.

    Raises:
        UnreadableData: the file has no such column, a row has too many or too few fields, its day
            is none, or its quotes are not those of CSV.
    """
    from tasks.lake.bounds import Limits

    contract = contract_for(dataset)
    days: dict[date, list[list[str]]] = defaultdict(list)
    with (
        text_stream(source, source.name, Limits(), encoding, strict=True) as stream,
        io.TextIOWrapper(stream, encoding="utf-8", newline="") as file,
    ):
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        lines = _strictly(reader, str(source))
        names = next(lines, [])
        if column not in names:
            raise UnreadableData(
                f"{source} has no column {column!r} (it has {names}).",
                "Name the column of days (--date-column), or what parts the fields (--delimiter).",
            )
        for row in filter(None, lines):
            where = f"{source}, line {reader.line_num}"
            if len(row) != len(names):
                raise UnreadableData(
                    f"{where} has {len(row)} fields, the header names {len(names)}.",
                    "Correct the line.",
                )
            cell = row[names.index(column)]
            try:
                days[date.fromisoformat(cell.strip().partition("T")[0][:10])].append(row)
            except ValueError as error:
                raise UnreadableData(
                    f"{where}: {cell!r} is no date.",
                    "Correct the line; a lake's partition needs a day.",
                ) from error
    sign, coding = (",", "utf-8")
    if contract is not None and contract.format == "csv":
        sign, coding = contract.delimiter or sign, contract.encoding
    for day, rows in days.items():
        folder = root / partition_prefix("", day)
        folder.mkdir(parents=True, exist_ok=True)
        text = io.StringIO()
        writer = csv.writer(text, delimiter=sign, lineterminator="\n")
        writer.writerows([names, *rows])
        body = gzip.compress(text.getvalue().encode(coding), mtime=0)
        (folder / "part-0.csv.gz").write_bytes(body)
    return sum(len(rows) for rows in days.values())


def _strictly(reader: Any, source: str) -> Iterator[list[str]]:
    """Rows; a quote that is never closed, or has text behind it, would change what they say."""
    try:
        yield from reader
    except csv.Error as error:
        raise UnreadableData(
            f"{source}, line {reader.line_num} is not CSV ({error}).",
            'Correct the line; a quote inside quotes is written twice (""), without a backslash.',
        ) from error


def planned(
    root: Path, prefix: str = RAW, day: date | None = None, contract: Contract | None = None
) -> tuple[dict[str, Path], tuple[LeftOut, ...]]:
    """Where each file of a folder tree goes, and what stays behind, by rule.

    Args:
        root: The folder.
        prefix: Key prefix that its files get.
        day: Day of the files whose folders name none.
        contract: The data set's, where all of them are of one.

    Raises:
        LayoutUnknown: files lie in no day's folder, and ``day`` is None.
        InvalidSetting: the folder is none or is empty, a file is larger than one request may be, or
            the contract's location does not match a file.
    """
    if not root.is_dir():
        raise InvalidSetting(f"{root} is no folder.", "Name the folder that holds the data.")
    behind, keys = Tally(), {}
    strays: list[tuple[str, str]] = []
    files = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}
    for path in sorted(files.values()):
        name = path.relative_to(root).as_posix()
        size = path.stat().st_size
        rule = side_file(name, size, beside=files)
        if rule:
            behind.add(rule, name)
            continue
        if size > LARGEST:
            raise InvalidSetting(
                f"{path} has {size:,} bytes; one request to S3 carries at most {LARGEST:,}.",
                "Split it, or load it with a tool of your own.",
            )
        place = place_of(prefix + name, prefix)
        if place.day is None and day is not None:
            name = partition_prefix("", day) + name
        elif place.day is None:
            strays.append((name, place.rule))
        keys[prefix + name] = path
    if strays:
        examples = ", ".join(f"{name} ({rule})" for name, rule in strays[:SHOWN])
        raise LayoutUnknown(
            f"{len(strays):,} files of {root} lie in no folder that names their day: {examples}.",
            f"Sort them into one of {', '.join(LAYOUTS)}, or name the day of all of them (--day).",
        )
    if not keys:
        raise InvalidSetting(f"{root} holds no data.", "Name the folder that holds the data.")
    _require_owned(keys, contract)
    return keys, behind.left_out()


def _require_owned(keys: Iterable[str], contract: Contract | None) -> None:
    strange = [] if contract is None else [key for key in keys if not contract.owns(key)]
    if contract is not None and strange:
        location = contract.location_pattern or contract.location_prefix
        raise InvalidSetting(
            f"{len(strange):,} files would lie where the contract of {contract.dataset!r} does not "
            f"look ({location}): {', '.join(strange[:SHOWN])}.",
            "Name the files as the contract's servers.location says, or correct the contract.",
        )


def upload(keys: dict[str, Path], bucket: str) -> tuple[int, int]:
    """Copy files to their keys.

    Returns:
        Files written, and files that were there already with the same bytes.

    Raises:
        ObjectCorrupt: an object was read back other than it was sent.
    """
    s3 = client("s3")

    def put(key: str) -> bool:
        md5 = _md5(keys[key])
        if _etag(s3, bucket, key) == md5:
            return False
        with asking(f"PutObject s3://{bucket}/{key}"), keys[key].open("rb") as body:
            s3.put_object(Bucket=bucket, Key=key, Body=body)
        etag = _etag(s3, bucket, key)
        if etag != md5:
            raise ObjectCorrupt(
                f"s3://{bucket}/{key} was sent with MD5 {md5} and stands there with ETag {etag}.",
                "Load again; with KMS encryption, compare S3's own checksums instead.",
            )
        return True

    with ThreadPoolExecutor(max_workers=WORKERS, thread_name_prefix="load") as pool:
        count = sum(pool.map(put, sorted(keys)))
    return count, len(keys) - count


def _md5(path: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while part := file.read(CHUNK):
            digest.update(part)
    return digest.hexdigest()


def _etag(s3: Any, bucket: str, key: str) -> str:
    try:
        with asking(f"HeadObject s3://{bucket}/{key}"):
            return str(s3.head_object(Bucket=bucket, Key=key)["ETag"]).strip('"')
    except AwsRejected as error:
        if error.code in ABSENT:
            return ""
        raise


def _load(options: argparse.Namespace) -> tuple[int, int]:
    bucket = settings().lake_bucket
    if options.verb == "folder":
        contract = contract_for(options.dataset) if options.dataset else None
        prefix = home_of(options.dataset) if options.dataset else RAW
        keys, behind = planned(options.root, prefix, options.day, contract)
        if behind:
            print(f"» stays behind: {told(behind)}")
        if options.dataset and contract is None:
            print(f"» {options.dataset} has no contract yet: no flow reads s3://{bucket}/{prefix}")
        return upload(keys, bucket)
    with tempfile.TemporaryDirectory(prefix="sluice-load-") as scratch:
        how = (options.date_column, options.delimiter.replace("\\t", "\t"), options.encoding)
        rows = daily_partitions(options.file, Path(scratch), options.dataset, *how)
        print(f"» {rows:,} rows in {options.file.name}")
        keys, _ = planned(Path(scratch), home_of(options.dataset))
        return upload(keys, bucket)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m deployments.lake",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    folder = verbs.add_parser("folder", help="a folder whose sub-folders name days")
    folder.add_argument("root", type=Path)
    folder.add_argument("--dataset", default="", help="ROOT is this data set's own folder")
    folder.add_argument("--day", type=date.fromisoformat, help="day of files that name none")
    sales = verbs.add_parser("house-sales", help="a CSV of dated sales, one partition a day")
    table = verbs.add_parser("table", help="any CSV with a column of days, one partition a day")
    for verb, more in ((sales, {"default": "property_sales"}), (table, {"required": True})):
        verb.add_argument("file", type=Path)
        verb.add_argument("--dataset", **more)
        verb.add_argument("--date-column", default=DAY)
        verb.add_argument("--delimiter", default=",")
        verb.add_argument("--encoding", default="utf-8")
    return parser.parse_args()


def main() -> int:
    """Exit status 0 when everything is in the lake."""
    options = _options()
    try:
        new, there = _load(options)
    except (SluiceError, OSError, LookupError, csv.Error) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"» s3://{settings().lake_bucket}: {new:,} files written, {there:,} already there")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
