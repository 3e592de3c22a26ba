"""What a release does not protect users from, as its page tells it. Pure.

A page that only says what was proven is read as if all were. So each sentence here names something
that could still be wrong after the release has ended well, with this release's own figures.
"""

from __future__ import annotations

from tasks.release.journal.record import Journal


def unprotected(journal: Journal) -> list[str]:
    """Sentences, the gravest first; empty for a rollback, which lets nothing new near users."""
    if journal.kind == "rollback":
        return []
    if journal.stable is None or journal.strategy == "direct":
        return ["Nothing was compared: no stable version was beside the candidate."]
    spec = journal.spec
    told = [_load(journal)]
    if journal.strategy == "blue_green":
        told.append(
            "Only the two alarms judged: what is worse by less than their limits went unseen."
        )
    elif journal.instances == 1 and spec.assigns_requests:
        told.append("The candidate has one instance: what befalls its host looks like the version.")
    tolerance = spec.tolerance
    told.append(
        f"Worse by less than the tolerance counts as not worse: {tolerance.errors:.1%} more errors,"
        f" {tolerance.latency_p50:.0%} of requests slower than the stable median."
    )
    if spec.harm.latency or spec.harm.errors:
        told.append(
            f"Up to {spec.harm.latency:.0%} slower, or {spec.harm.errors:.1%} more errors, roll "
            "nothing back."
        )
    if not journal.judged_edges:
        told.append("Predictions were not compared; answers that are wrong and fast look well.")
    if spec.assigns_requests:
        told.append(
            "Requests are counted, not users: who asks most weighs most, and a small group for "
            "whom alone the candidate is worse may not show."
        )
    else:
        told.append("Users whose devices report nothing are not seen.")
    told.append(_afterwards(journal))
    return told


def _afterwards(journal: Journal) -> str:
    if not journal.spec.assigns_requests:
        return "What begins after the watch is left to the daily comparison and to alarms."
    return (
        "What begins after the watch has no control group: the champion is compared with the same "
        "hour of past weeks (model.yaml: monitor), and what grows slowly passes for usual."
    )


def _load(journal: Journal) -> str:
    seconds = journal.spec.window_seconds
    rates = [
        (point.candidate.requests + point.stable.requests) / seconds for point in journal.timeline
    ]
    most = max((point.share for point in journal.timeline), default=0.0)
    if not any(rates):
        return "No request was seen yet: nothing is known of any load."
    before = journal.busiest_before
    peak = f" ({max(rates) / before:.0%} of the busiest hour of the week before)" if before else ""
    return (
        f"More load than was there: at most {max(rates):.3g} requests/s were seen{peak}, and the "
        f"candidate bore at most {most:.0%} of them."
    )
