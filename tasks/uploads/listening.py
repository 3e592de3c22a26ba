"""From the queue to one announcement per upload, whatever dies in between.

Each step leaves what the next needs before it forgets: the record is written, the event is created,
the record says so, and only then the message goes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal
from uuid import NAMESPACE_URL, UUID, uuid5

from tasks import objects
from tasks.clock import ScaledClock
from tasks.errors import RecordUnreadable
from tasks.uploads import dead_letters, queue
from tasks.uploads.inbox import PATIENCE, Inbox, Kept, Life, due
from tasks.uploads.notices import Unreadable, Upload, uploads_in

MIN_REAL_PATIENCE = 120.0
"""A run needs so many real seconds to be started on a busy machine, whatever the time scale."""

Announce = Callable[[Upload, UUID], None]
LifeOf = Callable[[str], tuple[Life, str]]


@dataclass(frozen=True)
class Listener:
    """Reads the queue.

    Args:
        inbox: What is known of each upload.
        announce: Creates an event, and returns once it exists.
        life_of: What became of a flow run, and what it said.
        give_up: Told of an upload that no run could settle, and why.
        alert: Told of what was put aside, and why.
        patience: Seconds of our clock that an announcement may stay without a run.
    """

    inbox: Inbox
    announce: Announce
    life_of: LifeOf
    give_up: Callable[[Upload, str], None]
    patience: float = PATIENCE
    alert: Callable[[str, str], None] = lambda _where, _why: None

    def listen(self, url: str) -> tuple[str, ...]:
        """Deal with everything in the queue, and with uploads whose run died.

        A message or a record that cannot be read is put aside, and stands in nobody's way.

        Returns:
            What was done, one sentence each.
        """
        done: list[str] = []
        for messages in queue.batches(url):
            dealt_with = []
            for message in messages:
                try:
                    uploads = dict.fromkeys(uploads_in(message.body, self.inbox.bucket))
                    notes = [self.note(upload) for upload in uploads]
                except (Unreadable, RecordUnreadable) as error:
                    done.append(self._put_aside("a message", message.body.encode(), str(error)))
                    notes = []
                if "later" not in notes:
                    dealt_with.append(message)
            done += self.sweep()
            for message in dealt_with:
                queue.delete(url, message)
        return (*done, *self.sweep())

    def note(self, upload: Upload) -> Literal["open", "known", "later"]:
        """Open a record for an upload, if it is new.

        Returns:
            ``later`` while a run still deals with another artefact of the same name.
        """
        if self.inbox.outcome(upload) is not None:
            return "known"
        standing = self.inbox.find(upload.model, upload.version)
        if standing is None:
            return "open" if self.inbox.begin(upload) else "later"
        if standing.record.upload.etag == upload.etag:
            return "known"
        if standing.record.run and self.life_of(standing.record.run)[0] == "alive":
            return "later"
        fresh = standing.record.model_copy(update={"upload": upload, "announced": 0, "run": ""})
        return "open" if self.inbox.change(standing, fresh) else "later"

    def sweep(self) -> list[str]:
        """Announce what is due, and give up what has died too often."""
        done = []
        standing, unreadable = self.inbox.read_all()
        for key, body, why in unreadable:
            done.append(self._put_aside("a record", body, f"{key}: {why}"))
            objects.remove(self.inbox.bucket, (key,))
        for kept in standing:
            record = kept.record
            life, reason = self.life_of(record.run) if record.run else ("none", "")
            step = due(record, life, self.inbox.clock.now(), self.patience)
            named = f"{record.upload.model} {record.upload.version}"
            if step == "tell":
                self._tell(kept)
                done.append(f"{named}: uploaded, announced")
            elif step == "end":
                why = _why(life, record.announced, reason)
                self.give_up(record.upload, why)
                done.append(f"{named}: given up, {why}")
        return done

    def _put_aside(self, what: str, body: bytes, why: str) -> str:
        where = dead_letters.keep(self.inbox.bucket, body, why, self.inbox.clock.now())
        self.alert(where, why)
        return f"{what} was put aside at {where}: {why}"

    def _tell(self, kept: Kept) -> None:
        record = kept.record
        number = record.announced + 1
        # Made from what it tells of: a repeated announcement is the same event.
        event_id = uuid5(NAMESPACE_URL, f"{record.upload.model_dump_json()}#{number}")
        self.announce(record.upload, event_id)
        changes = {"announced": number, "last": self.inbox.clock.now(), "run": ""}
        # A lost race means that the run has taken the upload already.
        self.inbox.change(kept, record.model_copy(update=changes))


def patience_on(clock: ScaledClock) -> float:
    """How long an announcement may stay without a run, on this clock."""
    return max(PATIENCE, MIN_REAL_PATIENCE * clock.scale)


def _why(life: Life, announced: int, reason: str) -> str:
    if life == "cancelled":
        return "a person cancelled its run"
    return f"{announced} runs did not bring it to an end; the last said: {reason or 'nothing'}"
