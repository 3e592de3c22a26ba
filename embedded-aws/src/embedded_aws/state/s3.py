"""S3: buckets, every version of every object, and uploads that are not finished.

Each version of an object is a row of its own, written when a request has touched its key; its body
is written once, under its SHA-256. A bucket's configuration is one record, an unfinished upload
another.
"""

# ruff: noqa: SLF001  what is written down are moto's own attributes

from __future__ import annotations

import hashlib
import itertools
import logging
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, unquote
from xml.sax.saxutils import unescape

from embedded_aws.protocol.service import Request
from embedded_aws.state.pen import KeptBody, backend, read, written
from embedded_aws.state.store import Store

log = logging.getLogger(__name__)

_DELETED = re.compile(r"<Key>(.*?)</Key>", re.DOTALL)
# Requests on a key that change no more than its newest versions.
_PLAIN = frozenset({"", "uploads", "uploadId", "partNumber", "x-id"})
_NEWEST = 2


class S3Keeper:
    """Keeps the one S3 of this process.

    Args:
        store: Where.
        account: Whose buckets.
    """

    def __init__(self, store: Store, account: str) -> None:
        self._store = store
        self._account = account
        self._places = itertools.count(1)

    def restore(self) -> None:
        """Put back everything that was kept."""
        store, s3 = self._store, self._s3()
        for _, name, value in store.records("s3.bucket"):
            bucket, tags = read(store, value)
            _owners()[name] = (bucket.partition, bucket.account_id)
            s3.buckets[name] = bucket
            _tag(s3, _bucket_arn(bucket), tags)
        newest = 0
        # Rows come in the order in which they were made, so that each list is as it was.
        rows = store.rows("SELECT bucket, name, place, value FROM objects ORDER BY place")
        for bucket_name, name, place, value in rows:
            version, tags = read(store, value)
            version._kept = (place, id(version), hashlib.sha256(value).digest())
            s3.buckets[bucket_name].keys[name] = version
            if tags:
                _tag(s3, version.arn, tags)
            newest = max(newest, place)
        self._places = itertools.count(newest + 1)
        for bucket_name, _, value in store.records("s3.upload"):
            upload = read(store, value)
            s3.buckets[bucket_name].multiparts[upload.id] = upload
        self._look_at_bodies()

    def keep(self, request: Request) -> None:
        """Keep what a request may have changed."""
        name, _, key = unquote(request.path.lstrip("/")).partition("/")
        query = parse_qs(request.query, keep_blank_values=True)
        bucket = self._s3().buckets.get(name)
        if bucket is None:
            self._forget(name)
            return
        with self._store.write():
            if key:
                self._keep_key(bucket, key, newest=set(query) <= _PLAIN)
                if {"uploads", "uploadId"} & set(query):
                    self._keep_uploads(bucket, query.get("uploadId"))
            elif request.method == "POST" and "delete" in query:
                for name_in_body in _DELETED.findall(request.body.decode("utf-8", "replace")):
                    self._keep_key(bucket, unescape(name_in_body, {"&quot;": '"', "&apos;": "'"}))
            elif request.method == "POST":  # a browser's form names its key in the body
                for name_in_body in list(bucket.keys):
                    self._keep_key(bucket, name_in_body, newest=True)
            else:
                self._keep_bucket(bucket)

    def keep_all(self) -> None:
        """Keep everything, as after a request that may have changed any bucket."""
        buckets = dict(self._s3().buckets)
        for _, name, _ in self._store.records("s3.bucket"):
            if name not in buckets:
                self._forget(name)
        with self._store.write():
            for bucket in buckets.values():
                self._keep_bucket(bucket)
                self._keep_uploads(bucket, None)
                for key in list(bucket.keys):
                    self._keep_key(bucket, key, anew=True)

    def _keep_bucket(self, bucket: Any) -> None:
        tags = self._s3().tagger.get_tag_dict_for_resource(_bucket_arn(bucket))
        self._store.put("s3.bucket", "", bucket.name, written(self._store, (bucket, tags)))

    def _keep_key(self, bucket: Any, key: str, *, newest: bool = False, anew: bool = False) -> None:
        """Keep a key's versions.

        Args:
            bucket: Whose.
            key: Its name.
            newest: Only the newest can have changed, or some may have gone.
            anew: Write also what was written before: the transaction may have been undone.
        """
        versions = list(bucket.keys.getlist(key, []))
        with self._store.write() as database:
            rows = database.execute(
                "SELECT place FROM objects WHERE bucket = ? AND name = ?", (bucket.name, key)
            ).fetchall()
            strays = {place for (place,) in rows}
            for i, version in enumerate(versions):
                place, digest = _mark_of(version)
                if place in strays:
                    strays.remove(place)
                    if newest and i < len(versions) - _NEWEST:
                        continue
                else:
                    place, digest = next(self._places), b""
                self._keep_version(database, bucket, key, version, place, b"" if anew else digest)
            for place in strays:
                database.execute(
                    "DELETE FROM objects WHERE bucket = ? AND name = ? AND place = ?",
                    (bucket.name, key, place),
                )

    def _keep_version(
        self, database: Any, bucket: Any, key: str, version: Any, place: int, digest: bytes
    ) -> None:
        tags = {}
        if hasattr(version, "arn"):
            tags = self._s3().tagger.get_tag_dict_for_resource(version.arn)
        value = written(self._store, (version, tags))
        now = hashlib.sha256(value).digest()
        if now == digest:
            return
        buffer = getattr(version, "_value_buffer", None)
        body = buffer.name if isinstance(buffer, KeptBody) else None
        database.execute(
            "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?)",
            (bucket.name, key, place, body, value),
        )
        version._kept = (place, id(version), now)

    def _keep_uploads(self, bucket: Any, only: list[str] | None) -> None:
        strays = {
            key for scope, key, _ in self._store.records("s3.upload") if scope == bucket.name
        } if only is None else set(only)  # fmt: skip
        for upload in list(bucket.multiparts.values()):
            if only is None or upload.id in only:
                strays.discard(upload.id)
                value = written(self._store, upload)
                self._store.put("s3.upload", bucket.name, upload.id, value)
        for stray in strays:
            self._store.drop("s3.upload", bucket.name, stray)

    def _forget(self, name: str) -> None:
        with self._store.write() as database:
            self._store.drop("s3.bucket", "", name)
            self._store.drop("s3.upload", name)
            database.execute("DELETE FROM objects WHERE bucket = ?", (name,))

    def _look_at_bodies(self) -> None:
        """Tell of bodies that the disk has lost, and remove those that nobody names any more."""
        names: set[str] = set()
        for body in self._bodies():
            path = self._store.body(body.name)
            if not path.exists() or path.stat().st_size != body.size:
                log.error("the body %s is torn or missing: the disk has lost it", path)
            names.add(body.name)
        for path in (self._store.folder / "bodies").glob("*/*"):
            if path.name not in names:
                path.unlink(missing_ok=True)

    def _bodies(self) -> Iterator[KeptBody]:
        for bucket in self._s3().buckets.values():
            versions = [v for name in bucket.keys for v in bucket.keys.getlist(name)]
            uploads = [v.multipart for v in versions if getattr(v, "multipart", None) is not None]
            uploads += bucket.multiparts.values()
            parts = [part for upload in uploads for part in upload.parts.values()]
            for version in (*versions, *parts):
                buffer = getattr(version, "_value_buffer", None)
                if isinstance(buffer, KeptBody):
                    yield buffer

    def _s3(self) -> Any:
        return backend("s3", self._account, "aws")


def _mark_of(version: Any) -> tuple[int, bytes]:
    """Where a version lies and what was written, if this very object was kept."""
    place, who, digest = getattr(version, "_kept", (0, 0, b""))
    return (place, digest) if who == id(version) else (0, b"")


def _tag(s3: Any, arn: str, tags: dict[str, str]) -> None:
    if tags:
        s3.tagger.tag_resource(arn, [{"Key": k, "Value": v} for k, v in tags.items()])


def _bucket_arn(bucket: Any) -> str:
    return f"arn:{bucket.partition}:s3:::{bucket.name}"


def _owners() -> Any:
    return backend("s3").bucket_accounts
