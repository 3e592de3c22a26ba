"""One alarm for one drift: deduplication and cooldown, by conditional writes in S3."""

from __future__ import annotations

import json

from tasks import objects

DAY_SECONDS = 86_400.0


def claim(
    bucket: str, model: str, baseline: str, window: str, now: float, cooldown_days: float
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

    Returns:
        Why no alarm may be raised, or "" when the right is ours.
    """
    key = f"alarms/{model}/{baseline}.json"
    for _ in range(5):
        found = objects.read(bucket, key)
        last = json.loads(found.body) if found else None
        if last and not last["told"]:
            return ""  # claimed by a run that died before it told anybody
        if last and last["window"] == window:
            return f"The drift of {window} against {baseline} was already told."
        if last and now - last["at"] < cooldown_days * DAY_SECONDS:
            waited = (now - last["at"]) / DAY_SECONDS
            return (
                f"An alarm against {baseline} was raised {waited:.1f} days ago; the contract asks "
                f"for {cooldown_days:g} days between two."
            )
        body = json.dumps({"window": window, "at": now, "told": False}).encode()
        etag = (
            objects.swap(bucket, key, body, etag=found.etag)
            if found
            else objects.create(bucket, key, body)
        )
        if etag is not None:
            return ""
    return f"Others were raising the alarm of {model} in the same moment."


def confirm(bucket: str, model: str, baseline: str) -> None:
    """Write down that the alarm which was claimed has been told."""
    key = f"alarms/{model}/{baseline}.json"
    found = objects.read(bucket, key)
    if found is not None:
        body = json.dumps({**json.loads(found.body), "told": True}).encode()
        objects.swap(bucket, key, body, etag=found.etag)
