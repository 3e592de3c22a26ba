"""What is known of each upload: one open record while something is to be done, one outcome after.

The record (``_uploads/<model>/<version>.json``) is replaced by compare-and-swap only, so that of
many messages and many runs one does the work. The outcome lies beside the artefact, where whoever
uploaded it looks first; it is written before the record goes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tasks import objects
from tasks.aws import asking, client
from tasks.clock import Clock
from tasks.errors import RecordUnreadable
from tasks.stored import parsed
from tasks.uploads.notices import Upload, key_of, upload_of
from tasks.values import Frozen

Life = Literal["none", "alive", "over", "cancelled"]
"""What has become of a run: there was none, it goes on, it ended, a person cancelled it."""

State = Literal["released", "rolled_back", "refused", "given_up"]
MOST_RUNS = 3
"""Runs that an upload gets: one that dies is followed by another, but not for ever."""
PATIENCE = 600.0
"""Seconds after which an announcement that no run took up is made again."""
PREFIX = "_uploads/"


class Open(Frozen):
    """An upload that is to be dealt with. ``run`` is the flow run that does it, ``last`` unix."""

    upload: Upload
    announced: int = 0
    last: float = 0.0
    run: str = ""


class Outcome(Frozen):
    """What became of an artefact; ``etag`` says of which."""

    etag: str
    state: State
    reason: str
    at: str
    run: str = ""


@dataclass(frozen=True)
class Kept:
    """A record as it was read."""

    record: Open
    etag: str


def due(record: Open, life: Life, now: float, patience: float) -> Literal["tell", "wait", "end"]:
    """What to do about an open upload. Pure.

    Args:
        record: The upload.
        life: What has become of its run.
        now: Our clock.
        patience: Seconds that an announcement may stay without a run.
    """
    if life == "cancelled":
        return "end"
    if record.announced == 0:
        return "tell"
    if life == "alive" or (life == "none" and now < record.last + patience):
        return "wait"
    return "tell" if record.announced < MOST_RUNS else "end"


@dataclass(frozen=True)
class Inbox:
    """Uploads of one installation.

    Args:
        bucket: The registry's bucket.
        clock: Our clock.
    """

    bucket: str
    clock: Clock

    def read_all(self) -> tuple[tuple[Kept, ...], tuple[tuple[str, bytes, str], ...]]:
        """Uploads that are to be dealt with; and records that do not parse.

        Of the latter their keys, their bytes, and what is wrong with them.
        """
        kept, unreadable = [], []
        for key in objects.keys(self.bucket, PREFIX):
            entry = objects.read(self.bucket, key)
            if entry is None:
                continue
            try:
                kept.append(Kept(self._parsed(key, entry.body), entry.etag))
            except RecordUnreadable as error:
                unreadable.append((key, entry.body, error.what))
        return tuple(kept), tuple(unreadable)

    def find(self, model: str, version: str) -> Kept | None:
        """The open record of an upload."""
        return self._read(_record_key(model, version))

    def standing(self, model: str, version: str) -> Upload | None:
        """The artefact that lies there now."""
        key = key_of(model, version)
        etag = objects.head(self.bucket, key)
        return None if etag is None else upload_of(self.bucket, key, etag)

    def outcome(self, upload: Upload) -> Outcome | None:
        """What became of this very artefact; None when it is another one, or not settled."""
        document = objects.read(self.bucket, _outcome_key(upload))
        if document is None:
            return None
        outcome = parsed(Outcome, document.body, f"s3://{self.bucket}/{_outcome_key(upload)}")
        return outcome if outcome.etag == upload.etag else None

    def begin(self, upload: Upload) -> Kept | None:
        """Open an upload; None when somebody else did so in the same moment."""
        record = Open(upload=upload, last=self.clock.now())
        key = _record_key(upload.model, upload.version)
        etag = objects.create(self.bucket, key, record.model_dump_json().encode())
        return None if etag is None else Kept(record, etag)

    def change(self, kept: Kept, record: Open) -> Kept | None:
        """Replace a record; None when somebody else wrote it first."""
        key = _record_key(kept.record.upload.model, kept.record.upload.version)
        etag = objects.swap(self.bucket, key, record.model_dump_json().encode(), etag=kept.etag)
        return None if etag is None else Kept(record, etag)

    def settle(self, upload: Upload, state: State, reason: str, run: str = "") -> Outcome:
        """Write down what became of an upload, beside it, and close its record."""
        at = self.clock.now()
        outcome = Outcome(etag=upload.etag, state=state, reason=reason, at=_iso(at), run=run)
        key = _outcome_key(upload)
        body = outcome.model_dump_json(indent=1).encode()
        with asking(f"PutObject s3://{self.bucket}/{key}"):
            client("s3").put_object(
                Bucket=self.bucket, Key=key, Body=body, ContentType="application/json"
            )
        self._close(upload)
        return outcome

    def _close(self, upload: Upload) -> None:
        kept = self.find(upload.model, upload.version)
        if kept is None or kept.record.upload.etag != upload.etag:
            return  # another artefact under the same name is being dealt with
        objects.remove(self.bucket, (_record_key(upload.model, upload.version),))

    def _read(self, key: str) -> Kept | None:
        entry = objects.read(self.bucket, key)
        return None if entry is None else Kept(self._parsed(key, entry.body), entry.etag)

    def _parsed(self, key: str, body: bytes) -> Open:
        return parsed(Open, body, f"s3://{self.bucket}/{key}")


def _record_key(model: str, version: str) -> str:
    return f"{PREFIX}{model}/{version}.json"


def _outcome_key(upload: Upload) -> str:
    return upload.key.removesuffix("model.tar.gz") + "outcome.json"


def _iso(at: float) -> str:
    from tasks.clock import utc, wall

    return utc(wall(at)).isoformat(timespec="seconds")
