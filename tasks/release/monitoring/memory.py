"""What a monitor knows, kept between looks: one object for each model in the work bucket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tasks import objects
from tasks.stored import parsed
from tasks.values import Frozen

MEND = "Delete the object: the monitor then learns the past weeks anew, which takes three days."


class MonitorRecord(Frozen):
    """``state`` is the monitor's own, ``seen_until`` stands beside it to be read without it.

    ``told``: whether people know of the alarm in it. It is written down before they are told, so
    that whoever comes after a crash tells them.
    """

    seen_until: float
    told: bool = True
    state: Any = None


@dataclass(frozen=True)
class Memory:
    """In S3, replaced only while it still is what was read."""

    bucket: str

    def key(self, model: str) -> str:
        """Where it lies."""
        return f"monitor/{model}.json"

    def name(self, model: str) -> str:
        """Its address, for people."""
        return f"s3://{self.bucket}/{self.key(model)}"

    def read(self, model: str) -> tuple[MonitorRecord | None, str]:
        """What is known, and the ETag to replace it by; None and "" where nothing is.

        Raises:
            RecordUnreadable: the object does not parse.
            AwsError: AWS did not answer.
        """
        found = objects.read(self.bucket, self.key(model))
        if found is None:
            return None, ""
        return parsed(MonitorRecord, found.body, self.name(model), mend=MEND), found.etag

    def write(self, model: str, kept: MonitorRecord, etag: str) -> str | None:
        """Its new ETag; None when somebody else wrote meanwhile."""
        body = kept.model_dump_json().encode()
        if not etag:
            return objects.create(self.bucket, self.key(model), body)
        return objects.swap(self.bucket, self.key(model), body, etag=etag)
