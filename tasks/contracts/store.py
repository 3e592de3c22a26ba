"""Put what was judged into S3, once and completely.

Good rows lie below a prefix that names their content, so that a prefix never mixes two runs and a
repeated run writes nothing; the manifest beside it is written last and means "complete".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tasks.aws import asking, client
from tasks.contracts.reports.docs_site import DOCS, RESULT
from tasks.contracts.reports.report import ContractReport
from tasks.errors import ObjectCorrupt, SluiceError
from tasks.settings import settings

THREADS = 8
PAGE = 1_000
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".css": "text/css",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
}


def publish(
    report: ContractReport,
    out_dir: Path,
    *,
    s3: Any = None,
    lake_bucket: str = "",
    work_bucket: str = "",
) -> Mapping[str, str]:
    """Upload good rows, quarantined rows and the report.

    Args:
        report: Of :func:`tasks.contracts.validation.validate_snapshot`.
        out_dir: Its output folder.
        s3: A boto3 S3 client; the process's own when None.
        lake_bucket: Receives the quarantine; the settings' when empty.
        work_bucket: Receives good rows and reports; the settings' when empty.

    Returns:
        Addresses ``s3://…`` by name: ``quarantine``, ``report``, ``page``; ``good`` (a prefix) and
        ``manifest`` only when the report passed; ``docs`` when Data Docs were built and arrived.

    Raises:
        ObjectCorrupt: what S3 holds afterwards is not what was sent.
        AwsError: AWS did not take it.
    """
    s3 = s3 or client("s3")
    lake = lake_bucket or settings().lake_bucket
    work = work_bucket or settings().work_bucket
    name, print_, version = report.dataset, report.snapshot, report.contract_version
    addresses: dict[str, str] = {}
    aside = f"quarantine/{name}/{print_}/{version}/"
    _mirror(s3, lake, aside, _files(out_dir / "quarantine"))
    if report.rows_quarantined or report.unreadable_count:
        addresses["quarantine"] = f"s3://{lake}/{aside}"
    if report.outcome == "pass":
        addresses |= _good(s3, work, f"datasets/{name}/{print_}/{version}/", out_dir / "good")
    shelf = _shelf(report)
    pages = {"report.json": out_dir / "report.json", "report.html": out_dir / "report.html"}
    changed = _mirror(s3, work, shelf, pages, remove=False)
    addresses["report"] = f"s3://{work}/{shelf}report.json"
    addresses["page"] = f"s3://{work}/{shelf}report.html"
    docs = _files(out_dir / DOCS)
    if docs:
        # Great Expectations numbers its pages at random: the same report needs no new ones.
        addresses |= _docs(s3, work, _site(report), docs, wanted=bool(changed))
    return addresses


def publish_docs(report: ContractReport, out_dir: Path) -> Mapping[str, str]:
    """Upload the pages, and the suite result that they show, once more: others stand in it now."""
    s3, work = client("s3"), settings().work_bucket
    result = out_dir / RESULT
    shelf = _shelf(report)
    try:
        _mirror(s3, work, shelf, {RESULT: result}, remove=False)
    except SluiceError:
        return {}
    return _docs(s3, work, _site(report), _files(out_dir / DOCS), wanted=True)


def _shelf(report: ContractReport) -> str:
    return f"reports/contracts/{report.dataset}/{report.snapshot}/{report.contract_version}/"


def _site(report: ContractReport) -> str:
    return f"reports/data-docs/{report.dataset}/{report.snapshot}/{report.contract_version}/"


def _docs(
    s3: Any, bucket: str, prefix: str, files: Mapping[str, Path], *, wanted: bool
) -> dict[str, str]:
    """Changed files only; a failure is nobody's verdict, so the address is simply not given."""
    try:
        if wanted or "index.html" not in _listed(s3, bucket, prefix):
            _mirror(s3, bucket, prefix, files)
    except SluiceError:
        return {}
    return {"docs": f"s3://{bucket}/{prefix}index.html"}


def _good(s3: Any, bucket: str, prefix: str, folder: Path) -> dict[str, str]:
    files = _files(folder)
    digests = {name: _md5(path) for name, path in files.items()}
    sizes = {name: path.stat().st_size for name, path in files.items()}
    content = hashlib.sha256(json.dumps(digests, sort_keys=True).encode()).hexdigest()[:16]
    listed = [{"path": n, "md5": digests[n], "size": sizes[n]} for n in sorted(files)]
    manifest = json.dumps({"schema_version": 1, "files": listed}, indent=1).encode()
    place = f"{prefix}{content}/"
    _mirror(s3, bucket, place, files)
    key = f"{prefix}{content}.json"
    with asking(f"PutObject s3://{bucket}/{key}"):
        s3.put_object(Bucket=bucket, Key=key, Body=manifest, ContentType=TYPES[".json"])
    return {"good": f"s3://{bucket}/{place}", "manifest": f"s3://{bucket}/{key}"}


def _files(folder: Path) -> dict[str, Path]:
    return {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def _md5(path: Path) -> str:
    """S3's own fingerprint of an object that was sent in one piece."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _mirror(
    s3: Any, bucket: str, prefix: str, files: Mapping[str, Path], *, remove: bool = True
) -> int:
    """Make a prefix hold exactly these files: send what differs, remove what is left over.

    Returns:
        How many files were sent.
    """
    there = _listed(s3, bucket, prefix)
    changed = [name for name, path in files.items() if not _same(there.get(name), path)]

    def send(name: str) -> None:
        path = files[name]
        kind = TYPES.get(path.suffix.lower(), "application/octet-stream")
        with asking(f"PutObject s3://{bucket}/{prefix}{name}"), path.open("rb") as body:
            s3.put_object(Bucket=bucket, Key=f"{prefix}{name}", Body=body, ContentType=kind)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(send, changed))
    surplus = sorted(set(there) - set(files)) if remove else []
    for start in range(0, len(surplus), PAGE):
        keys = [{"Key": f"{prefix}{name}"} for name in surplus[start : start + PAGE]]
        with asking(f"DeleteObjects s3://{bucket}/{prefix}"):
            s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
    if changed or surplus:
        _verify(_listed(s3, bucket, prefix), files, f"s3://{bucket}/{prefix}")
    return len(changed)


def _listed(s3: Any, bucket: str, prefix: str) -> dict[str, tuple[int, str]]:
    """Name below the prefix → size and ETag."""
    listing: dict[str, tuple[int, str]] = {}
    with asking(f"ListObjectsV2 s3://{bucket}/{prefix}"):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for item in page.get("Contents", []):
                name = item["Key"][len(prefix) :]
                listing[name] = (int(item["Size"]), str(item["ETag"]).strip('"'))
    return listing


def _same(there: tuple[int, str] | None, path: Path) -> bool:
    return there is not None and there[0] == path.stat().st_size and there[1] == _md5(path)


def _verify(there: Mapping[str, tuple[int, str]], files: Mapping[str, Path], where: str) -> None:
    for name, path in files.items():
        if name not in there or there[name][0] != path.stat().st_size:
            raise ObjectCorrupt(
                f"{where}{name} does not hold the {path.stat().st_size:,} bytes that were sent.",
                "Run again; if it happens twice, check who else writes to this prefix.",
            )
