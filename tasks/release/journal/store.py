"""Journals in S3: ``_releases/<model>/current.json``, the archive and the windows beside it."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from tasks import objects
from tasks.errors import LeaseLost, ReleaseError, ReleaseInProgress
from tasks.release.journal.record import Journal
from tasks.release.ports import StoredJournal, WindowCounts
from tasks.stored import opened, written

FORMAT = 1
"""Version of the journal's schema that is read and written."""


def current_key(model: str) -> str:
    """Key of the current journal."""
    return f"_releases/{model}/current.json"


def archive_key(model: str, release_id: str) -> str:
    """Key of an ended journal."""
    return f"_releases/{model}/{release_id}.json"


def checklist_key(model: str, release_id: str) -> str:
    """Key of an ended release's checklist."""
    return f"_releases/{model}/{release_id}/checklist.json"


def window_prefix(model: str, release_id: str) -> str:
    """Folder of a release's windows."""
    return f"_releases/{model}/{release_id}/windows/"


def busy(standing: Journal) -> ReleaseInProgress:
    """The error that says who is releasing what."""
    return ReleaseInProgress(
        f"{standing.model}: release {standing.release_id} of {standing.candidate.version} is "
        f"{standing.phase} (owner {standing.owner}).",
        "Wait for it to end, or roll it back, then run again.",
    )


@dataclass(frozen=True)
class S3Journals:
    """Journals in one bucket.

    Each write carries a fresh ``write_id``, so that a write whose answer was lost is known again
    when it is read back.
    """

    bucket: str

    def read(self, model: str) -> StoredJournal | None:
        """The current journal.

        Raises:
            ReleaseError: the object does not parse.
        """
        current = objects.read(self.bucket, current_key(model))
        if current is None:
            return None
        journal = _parsed(self.bucket, current_key(model), current.body)
        return StoredJournal(journal, current.etag, current.age)

    def start(self, journal: Journal, replacing: StoredJournal | None) -> StoredJournal:
        """See `ports.Journals.start`."""
        fresh, body = _written(journal)
        key = current_key(journal.model)
        if replacing is None:
            etag = objects.create(self.bucket, key, body)
        else:
            self.archive(replacing.journal)
            etag = objects.swap(self.bucket, key, body, etag=replacing.etag)
        if etag is None:
            standing = self.read(journal.model)
            raise busy(standing.journal if standing else journal)
        return StoredJournal(fresh, etag)

    def write(self, stored: StoredJournal, journal: Journal) -> StoredJournal:
        """See `ports.Journals.write`."""
        fresh, body = _written(journal)
        key = current_key(journal.model)
        etag = objects.swap(self.bucket, key, body, etag=stored.etag)
        if etag is None:
            raise lost(journal)
        return StoredJournal(fresh, etag)

    def archive(self, journal: Journal) -> None:
        """See `ports.Journals.archive`."""
        key = archive_key(journal.model, journal.release_id)
        objects.create(self.bucket, key, written(journal, indent=1))

    def archived(self, model: str, release_id: str) -> Journal | None:
        """See `ports.Journals.archived`.

        Raises:
            ReleaseError: the object does not parse.
        """
        key = archive_key(model, release_id)
        ended = objects.read(self.bucket, key)
        return None if ended is None else _parsed(self.bucket, key, ended.body)

    def history(self, model: str) -> tuple[str, ...]:
        """Ids of the ended releases, oldest first."""
        prefix = f"_releases/{model}/"
        listed = objects.files(self.bucket, prefix)
        return tuple(
            sorted(name.removesuffix(".json") for name in listed if name != "current.json")
        )

    def keep_checklist(self, journal: Journal, text: str) -> str:
        """See `ports.Journals.keep_checklist`. The first one stays: it is of the release's end."""
        key = checklist_key(journal.model, journal.release_id)
        objects.create(self.bucket, key, text.encode())
        return f"s3://{self.bucket}/{key}"

    def keep_window(self, journal: Journal, window: WindowCounts) -> WindowCounts:
        """See `ports.Journals.keep_window`."""
        key = f"{window_prefix(journal.model, journal.release_id)}{window['t0']:.0f}.json"
        if objects.create(self.bucket, key, json.dumps(window).encode()) is not None:
            return window
        standing = objects.read(self.bucket, key)
        try:
            return window if standing is None else dict(json.loads(standing.body))
        except (ValueError, TypeError):  # what was kept is damaged: what CloudWatch says now counts
            return window

    def windows(self, model: str, release_id: str) -> tuple[WindowCounts, ...]:
        """Every window of a release, oldest first."""
        kept = (
            objects.read(self.bucket, key)
            for key in objects.keys(self.bucket, window_prefix(model, release_id))
        )
        windows = [json.loads(item.body) for item in kept if item is not None]
        return tuple(sorted(windows, key=lambda window: float(window["t0"])))


def lost(journal: Journal) -> LeaseLost:
    """The error of an actor that was overtaken."""
    return LeaseLost(
        f"{journal.model}: somebody else wrote the journal of {journal.release_id}.",
        "Read it again; whoever wrote it goes on from there.",
    )


def _parsed(bucket: str, key: str, body: bytes) -> Journal:
    """A journal, or the error that says what is wrong with it and how it is mended."""
    where = f"s3://{bucket}/{key}"
    restore = (
        f"Put its last good version back: aws s3api list-object-versions --bucket {bucket} "
        f"--prefix {key} shows them; copy one with aws s3api copy-object. Without one, look "
        "what the endpoint serves, delete the object, and run rollback/manual with to_version."
    )
    try:
        return Journal.model_validate_json(opened(body))
    except ValidationError as error:
        version = _schema(body)
        if version not in {None, FORMAT}:
            raise ReleaseError(
                f"{where} is a journal of format {version!r}; this program reads {FORMAT}.",
                "Run the Sluice that wrote it, or update this one.",
            ) from error
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise ReleaseError(
            f"{where} is not a journal: {place}: {first['msg']}.", restore
        ) from error
    except ValueError as error:
        raise ReleaseError(
            f"{where} is damaged: {error}.",
            f"{restore} (Who changed it by hand takes its first key, sha256, out.)",
        ) from error


def _schema(body: bytes) -> Any:
    """The format that an object says it has; None when it says none."""
    try:
        document = json.loads(body)
    except ValueError:
        return None
    return document.get("schema_version", FORMAT) if isinstance(document, dict) else None


def _written(journal: Journal) -> tuple[Journal, bytes]:
    fresh = journal.model_copy(
        update={"write_id": uuid.uuid4().hex, "revision": journal.revision + 1}
    )
    return fresh, written(fresh)
