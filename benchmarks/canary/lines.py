"""Windows as JSON lines: what a line may say, and what is wrong with any other."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import ValidationError

from tasks.judge import ArmCounts, JudgePolicy, Window

FORMAT = """\
A line is one window of one release, as JSON:

  {"release": "r1", "t0": 600, "t1": 610, "weight": 0.05,
   "canary": {"requests": 5, "errors": 0, "latency": [0, 3, 2], "predictions": [4, 1]},
   "stable": {"requests": 95, "errors": 1, "latency": [0, 60, 35], "predictions": [70, 25]}}

  release      any name; lines of one release stand together and in order of t0 (not with --live)
  t0, t1       the window [t0, t1), seconds on any clock; windows of a release must not overlap
  weight       the canary's share of traffic in this window, 0 to 1; windows with share 0 before the
               release teach the judge the stable version (ten minutes are enough)
               a window told again replaces the one with its t0, up to 12 windows back (policy key
               revision_windows); what comes later is refused and counted
  canary       both arms are told, or none: an empty window. One without a request says
               {"requests": 0}, or may be left out where it has no share (weight 0, weight 1)
  requests     integers from here on; users and users_with_error may be told as well
  errors       where they are left out or null they are unknown, which is not none: an arm that
               answers requests and whose errors are unknown lets nothing climb
  latency      counts by bin: below the first of the policy's latency_edges, between the first and
               the second, ..., from the last on; one count more than there are edges, and no
               more requests than requests
  predictions  counts by bin of the score; as many as the policy's prediction_bins
  segments     optional: {"name": {"canary": {...}, "stable": {...}}}, names as in the policy
  warmup       optional: true while the canary is known to be cold
  shadow       optional: {"pairs": 100, "errors": [worse, better], "latency": [slower, faster],
               "predictions": [higher, lower]} of mirrored requests

Without --policy there are 301 latency edges (5 ms times 1.25 to the k/5, k from -105 to 195) and
20 prediction bins: JudgePolicy().latency_edges lists them.
--policy FILE is JSON with any keys of JudgePolicy, for example
  {"latency_edges": [50, 100], "prediction_bins": 2, "alpha": 0.01, "lag_seconds": 60}
Empty lists for latency_edges, and 0 for prediction_bins, leave these streams out.

Out comes one JSON line per release: action (hold, step, promote, rollback, inconclusive), weight
(the wanted share), reason, log_evidence (natural; rollback at log_threshold), streams, margins,
refused (windows that came too late). The fold of a release ends at its rollback or promotion.
A line that is no window ends the run with status 1, and the line is named.

--live answers every line at once, so that a simulator of your own can follow the wanted share.
Lines of many releases may interleave. A line may also be a list of windows, [{...}, {...}]; it
is folded side by side and answered by a list. That is how to steer hundreds of releases: one
list of all of them for every ten seconds.
"""

Told = tuple[str, Window]
"""Release and window."""


def policy_of(file: str | None) -> JudgePolicy:
    """The policy in a file, the default one without.

    Raises:
        ValueError: it is no policy; the message names the file.
    """
    if file is None:
        return JudgePolicy()
    try:
        return JudgePolicy.model_validate_json(Path(file).read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"--policy {file}: {_plain(error)}") from error


def read(policy: JudgePolicy, lines: Iterable[str]) -> Iterator[Told]:
    """Release and window of every line that is not empty.

    Raises:
        ValueError: a line is not a window; the message names the line.
    """
    for items, _ in read_lists(policy, lines):
        yield from items


def read_lists(policy: JudgePolicy, lines: Iterable[str]) -> Iterator[tuple[list[Told], bool]]:
    """Windows of every line that is not empty, and whether the line was a list.

    Raises:
        ValueError: a line is not a window of this policy; the message names the line.
    """
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            told = json.loads(text)
            listed = isinstance(told, list)
            yield [_window(policy, item) for item in (told if listed else [told])], listed
        except ValueError as error:
            raise ValueError(f"line {number}: {_plain(error)}") from error


def _window(policy: JudgePolicy, document: object) -> Told:
    if not isinstance(document, dict):
        said = json.dumps(document)
        raise ValueError(f"a window is a JSON object, not {said[:40]}")  # noqa: TRY004  as any other
    release = str(document.pop("release", ""))
    window = Window.model_validate(document)
    for arm, other, share in (
        ("canary", "stable", window.weight),
        ("stable", "canary", 1.0 - window.weight),
    ):
        if arm not in document and other in document and share > 0 and window.shadow is None:
            raise ValueError(f'{arm} is missing; an arm without a request says {{"requests": 0}}')
        _fits(policy, arm, getattr(window, arm))
    for name, arms in window.segments.items():
        if name not in policy.segments:
            raise ValueError(f"segment {name!r} is not in the policy")
        _fits(policy, f"segment {name}, canary", arms.canary)
        _fits(policy, f"segment {name}, stable", arms.stable)
    return release, window


def _fits(policy: JudgePolicy, arm: str, counts: ArmCounts) -> None:
    edges = len(policy.latency_edges)
    for kind, told, bins in (
        ("latency", counts.latency, edges + 1 if edges else 0),
        ("predictions", counts.predictions, policy.prediction_bins),
    ):
        if told and bins and len(told) != bins:
            raise ValueError(f"{arm}: {len(told)} {kind} counts, but the policy has {bins} bins")
    if sum(counts.latency) > counts.requests:
        raise ValueError(
            f"{arm}: {sum(counts.latency)} latency counts for {counts.requests} requests"
        )


def _plain(error: ValueError) -> str:
    """What is wrong, in one line."""
    if not isinstance(error, ValidationError):
        return str(error)
    faults = []
    for fault in error.errors(include_url=False, include_context=False):
        where = ".".join(str(part) for part in fault["loc"])
        what = fault["msg"].removeprefix("Value error, ")
        given = "" if isinstance(fault["input"], dict | list) else f", not {fault['input']!r:.40}"
        faults.append(f"{where}: {what}{given}" if where else f"{what}{given}")
    return "; ".join(faults)
