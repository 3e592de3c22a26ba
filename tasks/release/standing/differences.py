"""What has to be done so that the alarms that stand are the ones that should. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tasks.values import Frozen

BY_HAND = (
    "ActionsSuppressor",
    "EvaluateLowSampleCountPercentile",
    "ExtendedStatistic",
    "ThresholdMetricId",
    "Unit",
)
"""What no request of ours says, and would change what an alarm sees or tells."""


class AlarmChanges(Frozen):
    """In the order in which they are made: a composite needs its children, and frees them.

    Attributes:
        calm: Alarms whose state is another version's, and which no missing data calms.
        put: Requests: parts first, then the composite, whose request has an ``AlarmRule``.
        remove: Names, the composite first.
        missing: Those of ``put`` that did not stand.
    """

    calm: tuple[str, ...] = ()
    put: tuple[dict[str, Any], ...] = ()
    remove: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.put or self.remove)

    def sentence(self, model: str) -> str:
        """What is done, in a sentence; "" for nothing."""
        mended = [one["AlarmName"] for one in self.put if one["AlarmName"] not in self.missing]
        told = [
            f"{what} {', '.join(_short(name, model) for name in names)}"
            for what, names in (
                ("made", self.missing),
                ("put right", mended),
                ("removed", self.remove),
            )
            if names
        ]
        return f"{model}: standing alarms {'; '.join(told)}" if told else ""


def changes(
    wanted: Sequence[Mapping[str, Any]], standing: Mapping[str, Mapping[str, Any]]
) -> AlarmChanges:
    """What differs.

    Args:
        wanted: Requests, as `requests.requests` makes them.
        standing: The model's alarms as DescribeAlarms tells them, by name.
    """
    names = [str(one["AlarmName"]) for one in wanted]
    now = [_for_now(one, standing.get(one["AlarmName"])) for one in wanted]
    put = [one for one in now if not stands(one, standing.get(one["AlarmName"]))]
    surplus = sorted(set(standing) - set(names), key=lambda name: ("." in name, name))
    return AlarmChanges(
        calm=tuple(
            one["AlarmName"]
            for one in put
            if one.get("TreatMissingData") == "ignore"
            and _version(standing.get(one["AlarmName"], one)) != _version(one)
        ),
        put=tuple(put),
        remove=tuple(surplus),
        missing=tuple(one["AlarmName"] for one in put if one["AlarmName"] not in standing),
    )


def stands(wanted: Mapping[str, Any], found: Mapping[str, Any] | None) -> bool:
    """Whether an alarm is what was asked for, whatever else AWS tells of it."""
    if found is None:
        return False
    added = [key for key in BY_HAND if key not in wanted and found.get(key)]
    return not added and _holds(wanted, found)


def _for_now(wanted: Mapping[str, Any], found: Mapping[str, Any] | None) -> dict[str, Any]:
    """What tells people rings at once, and says that all is well from the next look on.

    An alarm that is new becomes OK, and would tell people of the end of what never began.
    """
    new = found is None or found.get("StateValue") == "INSUFFICIENT_DATA"
    return {**wanted, "OKActions": []} if new and wanted.get("OKActions") else dict(wanted)


def _holds(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(
            _bare(value) == _bare(found.get(key))
            if key == "AlarmRule"
            else _holds(value, found.get(key))
            for key, value in wanted.items()
        )
    if isinstance(wanted, list | tuple):
        there = found or []
        pairs = zip(sorted(wanted, key=_order), sorted(there, key=_order), strict=False)
        return len(wanted) == len(there) and all(_holds(one, other) for one, other in pairs)
    return bool(wanted == found)


def _bare(rule: Any) -> str:
    """A composite's rule without what changes nothing of what it says."""
    return re.sub(r"[\s\"]", "", str(rule))


def _order(item: Any) -> str:
    """AWS may tell queries and dimensions in another order."""
    return str(item.get("Id") or item.get("Name")) if isinstance(item, Mapping) else str(item)


def _version(alarm: Mapping[str, Any]) -> str:
    """Which version an alarm was put for: its description begins with model and version."""
    return str(alarm.get("AlarmDescription", "")).partition(":")[0]


def _short(name: str, model: str) -> str:
    part = name.partition(".")[2]
    return part or f"{model}'s own"
