"""One alarm for one drift: deduplication, cooldown and a weekly bound, by conditional writes in S3.

A record is one object a model and baseline: ``alarms/<model>/<baseline>.json`` for what starts a
retraining, ``alarms/<model>/notices/<baseline>.json`` for what people are only told of, and
``…/blind/<baseline>.json`` for inputs of which nothing can be said; none stands in another's way.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from tasks import objects
from tasks.drift.alarms.announced import AnnouncedDrift

DAY_SECONDS = 86_400.0
Kind = Literal["cannot tell", "notice", "retrain"]
_SHELVES = {"retrain": "", "notice": "notices/", "cannot tell": "blind/"}


def key_of(model: str, baseline: str, kind: Kind = "retrain") -> str:
    """Where an alarm's record lies."""
    return f"alarms/{model}/{_SHELVES[kind]}{baseline}.json"


def claim(
    bucket: str,
    model: str,
    baseline: str,
    window: str,
    now: float,
    cooldown_days: float,
    *,
    per_week: int = 0,
    kind: Kind = "retrain",
    columns: Mapping[str, AnnouncedDrift] | None = None,
) -> str:
    """Claim the right to raise an alarm.

    Args:
        bucket: Work bucket.
        model: Name of the model.
        baseline: Version whose data was compared with.
        window: First and last day that were looked at.
        now: Unix time, seconds.
        cooldown_days: Days in which the same baseline raises no second alarm; a new champion
            brings a new baseline, and with it a fresh start.
        per_week: Most alarms of the model within seven days, over all its baselines; 0 for any.
        kind: What the alarm leads to.
        columns: What is then told of columns, of all of them.

    Returns:
        Why no alarm may be raised, or "" when the right is ours.
    """
    key = key_of(model, baseline, kind)
    for _ in range(5):
        entry = objects.read(bucket, key)
        last = json.loads(entry.body) if entry else None
        said = {name: one.model_dump(mode="json") for name, one in (columns or {}).items()}
        if entry and last and not last["told"]:
            # Claimed by a run that died before it told anybody; we say what we have seen.
            body = json.dumps({**last, "window": window, "columns": said}).encode()
            if objects.swap(bucket, key, body, etag=entry.etag) is not None:
                return ""
            continue
        if last and last["window"] == window:
            return f"The drift of {window} against {baseline} was already told."
        if last and now - last["at"] < cooldown_days * DAY_SECONDS:
            waited = (now - last["at"]) / DAY_SECONDS
            return (
                f"An alarm against {baseline} was raised {waited:.1f} days ago; the contract asks "
                f"for {cooldown_days:g} days between two."
            )
        alarms = _lately(bucket, key.rpartition("/")[0] + "/", now) if per_week else 0
        if per_week and alarms >= per_week:
            return f"{alarms} alarms of {model} were raised within a week, as many as there may be."
        before = last.get("columns", {}) if last else {}
        claimed = {"window": window, "at": now, "told": False, "columns": said, "before": before}
        body = json.dumps(claimed).encode()
        etag = (
            objects.swap(bucket, key, body, etag=entry.etag)
            if entry
            else objects.create(bucket, key, body)
        )
        if etag is not None:
            return ""
    return f"Others were raising the alarm of {model} in the same moment."


def confirm(bucket: str, model: str, baseline: str, kind: Kind = "retrain") -> None:
    """Write down that the alarm which was claimed has been told."""
    key = key_of(model, baseline, kind)
    entry = objects.read(bucket, key)
    if entry is not None:
        body = json.dumps({**json.loads(entry.body), "told": True}).encode()
        objects.swap(bucket, key, body, etag=entry.etag)


def told_at(bucket: str, model: str, baseline: str) -> float | None:
    """When a retraining was last asked for against this baseline, unix seconds; None if never."""
    entry = objects.read(bucket, key_of(model, baseline))
    record: dict[str, Any] = json.loads(entry.body) if entry else {}
    return float(record["at"]) if record.get("told") else None


def told_columns(
    bucket: str, model: str, baseline: str, kinds: tuple[Kind, ...] = ("notice", "retrain")
) -> dict[str, AnnouncedDrift]:
    """What was told of columns against this baseline, in alarms of these kinds.

    What was looked at last counts, and what was claimed and not said does not.
    """
    entries = [objects.read(bucket, key_of(model, baseline, kind)) for kind in kinds]
    records = [json.loads(entry.body) for entry in entries if entry is not None]
    said = [item.get("columns" if item["told"] else "before", {}) for item in records]
    told = [
        (name, AnnouncedDrift.model_validate(one)) for some in said for name, one in some.items()
    ]
    return dict(sorted(told, key=lambda item: item[1].until))


def _lately(bucket: str, shelf: str, now: float) -> int:
    names = [name for name in objects.files(bucket, shelf) if name.endswith(".json")]
    entries = [objects.read(bucket, shelf + name) for name in names]
    times = [json.loads(item.body)["at"] for item in entries if item is not None]
    return sum(now - at < 7 * DAY_SECONDS for at in times)
