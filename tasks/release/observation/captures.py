"""What data capture wrote while a version shadowed another: read in pairs, and deleted."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from tasks import objects
from tasks.release.hosting.names import captures_prefix
from tasks.release.journal.record import Journal
from tasks.release.observation import pairs
from tasks.release.ports import WindowCounts


def paired(journal: Journal, window: WindowCounts) -> WindowCounts:
    """A window of the shadow phase, with the pairs of a minute before in place of the bins.

    The same answers must not count twice, so the bins are emptied where there are pairs.
    """
    if journal.phase != "shadow" or journal.stable is None or not journal.captures:
        return window
    spread = pairs.spread(journal.judged_edges)
    if spread == 0.0:
        return window
    span = (window["t0"] - pairs.LATE, window["t1"] - pairs.LATE)
    shadow = pairs.counted(
        pairs.answers(_lines(journal, journal.stable.variant, span), span, journal.task),
        pairs.answers(_lines(journal, journal.candidate.variant, span), span, journal.task),
        spread,
    )
    if not shadow["pairs"]:
        return window
    arms = {
        name: {**window[name], "predictions": [0] * len(window[name]["predictions"])}
        for name in ("canary", "stable")
    }
    return {**window, **arms, "shadow": shadow}


def forget(journal: Journal) -> str:
    """Delete what was captured: it holds what users sent, and has served its purpose."""
    bucket = journal.site.captures_bucket
    captured = objects.keys(bucket, captures_prefix(journal.model, journal.shadow_config))
    objects.remove(bucket, captured)
    return f"{len(captured)} captured files deleted"


def _lines(journal: Journal, variant: str, span: pairs.Span) -> Iterator[str]:
    return islice(_all_lines(journal, variant, span), pairs.MOST)


def _all_lines(journal: Journal, variant: str, span: pairs.Span) -> Iterator[str]:
    bucket = journal.site.captures_bucket
    root = captures_prefix(journal.model, journal.shadow_config)
    for hour in pairs.hours(span):
        folder = f"{root}{journal.endpoint}/{variant}/{hour}/"
        for name in objects.files(bucket, folder):
            if not pairs.written_within(hour, name, span):
                continue
            lines = objects.read(bucket, f"{folder}{name}")
            if lines is not None:
                yield from lines.body.decode("utf-8", "replace").splitlines()
