"""Journals in S3: ``_releases/<model>/current.json``, the archive and the windows beside it."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass

from tasks import objects
from tasks.errors import LeaseLost, ReleaseError, ReleaseInProgress
from tasks.release.journal import Journal
from tasks.release.ports import Held, Told


def current_key(model: str) -> str:
    """Key of the current journal."""
    return f"_releases/{model}/current.json"


def archive_key(model: str, release_id: str) -> str:
    """Key of an ended journal."""
    return f"_releases/{model}/{release_id}.json"


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

    def read(self, model: str) -> Held | None:
        """The current journal.

        Raises:
            ReleaseError: the object does not parse.
        """
        found = objects.read(self.bucket, current_key(model))
        if found is None:
            return None
        try:
            return Held(Journal.model_validate_json(found.body), found.etag)
        except ValueError as error:
            raise ReleaseError(
                f"s3://{self.bucket}/{current_key(model)} is not a journal: {error}.",
                "Restore its earlier version from the bucket's history.",
            ) from error

    def start(self, journal: Journal, replacing: Held | None) -> Held:
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
        return Held(fresh, etag)

    def write(self, held: Held, journal: Journal) -> Held:
        """See `ports.Journals.write`."""
        fresh, body = _written(journal)
        key = current_key(journal.model)
        etag = objects.swap(self.bucket, key, body, etag=held.etag)
        if etag is None:
            raise lost(journal)
        return Held(fresh, etag)

    def archive(self, journal: Journal) -> None:
        """See `ports.Journals.archive`."""
        key = archive_key(journal.model, journal.release_id)
        objects.create(self.bucket, key, journal.model_dump_json(indent=1).encode())

    def archived(self, model: str, release_id: str) -> Journal | None:
        """See `ports.Journals.archived`."""
        found = objects.read(self.bucket, archive_key(model, release_id))
        return None if found is None else Journal.model_validate_json(found.body)

    def history(self, model: str) -> tuple[str, ...]:
        """Ids of the ended releases, oldest first."""
        prefix = f"_releases/{model}/"
        listed = objects.files(self.bucket, prefix)
        return tuple(
            sorted(name.removesuffix(".json") for name in listed if name != "current.json")
        )

    def keep_window(self, journal: Journal, told: Told) -> Told:
        """See `ports.Journals.keep_window`."""
        key = f"{window_prefix(journal.model, journal.release_id)}{told['t0']:.0f}.json"
        if objects.create(self.bucket, key, json.dumps(told).encode()) is not None:
            return told
        standing = objects.read(self.bucket, key)
        return told if standing is None else dict(json.loads(standing.body))

    def windows(self, model: str, release_id: str) -> tuple[Told, ...]:
        """Every window of a release, oldest first."""
        found = (
            objects.read(self.bucket, key)
            for key in objects.keys(self.bucket, window_prefix(model, release_id))
        )
        told = [json.loads(item.body) for item in found if item is not None]
        return tuple(sorted(told, key=lambda window: float(window["t0"])))


def lost(journal: Journal) -> LeaseLost:
    """The error of an actor that was overtaken."""
    return LeaseLost(
        f"{journal.model}: somebody else wrote the journal of {journal.release_id}.",
        "Read it again; whoever wrote it goes on from there.",
    )


def _written(journal: Journal) -> tuple[Journal, bytes]:
    fresh = journal.model_copy(
        update={"write_id": uuid.uuid4().hex, "revision": journal.revision + 1}
    )
    return fresh, fresh.model_dump_json().encode()
