"""From what was found to what follows: nothing, a word to people, or a retraining. Pure."""

from __future__ import annotations

from datetime import date
from typing import Literal

from tasks.drift.history import Watching
from tasks.drift.quality.champion import Followed
from tasks.drift.reports.report import DriftReport
from tasks.values import Frozen

Kind = Literal["nothing", "cannot tell", "notice", "retrain"]


class Consequence(Frozen):
    """``reason`` starts the retraining, and stands in its name.

    ``repeats``: all of it was told before; it stands, and is not told again.
    """

    kind: Kind
    reason: str
    since: str = ""
    repeats: bool = False


def consequence(
    drift: DriftReport | None, followed: Followed | None, watching: Watching, first_day: str
) -> Consequence:
    """What a watch leads to.

    An error or bias that changed is a reason whatever the inputs do. Inputs that drifted are one
    too, unless the policy wants them confirmed by the champion's error (measured, or expected to be
    worse where labels are late) and they are not. Inputs of which nothing can be said for longer
    than a partition are no quiet inputs: people are told that they are not watched.

    Args:
        drift: Of the inputs; None when there was nothing to compare.
        followed: Of the champion; None when it could not be followed.
        watching: The contract's policy.
        first_day: Of the data that were looked at, where a report names no beginning.
    """
    reasons: list[str] = []
    moved = drift is not None and drift.outcome == "fail"
    if drift is not None and moved:
        names = ", ".join((drift.news or drift.drifted)[:5])
        reasons.append(f"drift in {names} since {drift.since or first_day}")
    wrong = followed is not None and followed.outcome == "fail"
    if followed is not None and wrong:
        reasons.append(followed.reason)
    if not reasons:
        quiet = [item.reason.rstrip(".") for item in (drift, followed) if item is not None]
        reason = "; ".join(quiet) or "Nothing new to compare"
        return Consequence(
            kind="cannot tell" if _blind(drift, watching) else "nothing", reason=reason
        )
    since = min(
        item.since or first_day
        for item, counts in ((drift, moved), (followed, wrong))
        if item is not None and counts
    )
    reason = "; ".join(reasons)
    repeats = moved and not wrong and drift is not None and not drift.news
    if watching.notifyOnly:
        return Consequence(kind="notice", reason=reason, since=since, repeats=repeats)
    confirmed = wrong or (followed is not None and followed.worse_expected)
    if watching.unconfirmedDrift == "notify" and not confirmed:
        why = followed.reason if followed is not None else "the champion's error is not known"
        reason = f"{reason}, not confirmed: {why}"
        return Consequence(kind="notice", reason=reason, since=since, repeats=repeats)
    return Consequence(kind="retrain", reason=reason, since=since, repeats=repeats)


def _blind(drift: DriftReport | None, watching: Watching) -> bool:
    """Whether the inputs go unwatched, and not only because a period has just begun."""
    if drift is None or drift.outcome != "inconclusive":
        return False
    names = drift.current_partitions
    if not drift.reference_rows or len(names) < 2:
        return not drift.reference_rows
    try:
        first, last = (date.fromisoformat(name[:10]) for name in (min(names), max(names)))
    except ValueError:
        return True
    return (last - first).days >= watching.days
