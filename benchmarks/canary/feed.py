"""Windows as plain data: in from JSON lines, out as verdicts; and samples to try it with."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Self, TextIO

import numpy as np

from benchmarks.canary.world import Scenario, Setting, World
from tasks.release.judge import (
    JudgePolicy,
    JudgeState,
    Window,
    judge_many,
    observe_many,
    verdict,
)

SIDE_BY_SIDE = 100

FORMAT = """\
A line is one window of one release, as JSON:

  {"release": "r1", "t0": 600, "t1": 610, "weight": 0.05,
   "canary": {"requests": 5, "errors": 0, "latency": [0, 3, 2], "predictions": [4, 1]},
   "stable": {"requests": 95, "errors": 1, "latency": [0, 60, 35], "predictions": [70, 25]}}

  release      any name; lines of one release stand together and in order of t0 (not with --live)
  t0, t1       the window [t0, t1), seconds on any clock; windows of a release must not overlap
  weight       the canary's share of traffic in this window, 0 to 1; windows with share 0 before the
               release teach the judge the stable version (ten minutes are enough)
  requests     integers from here on; users and users_with_error may be told as well
  latency      counts by bin: below the first of the policy's latency_edges, between the first and
               the second, ..., from the last on; one count more than there are edges
  predictions  counts by bin of the score; as many as the policy's prediction_bins
  segments     optional: {"name": {"canary": {...}, "stable": {...}}}, names as in the policy
  warmup       optional: true while the canary is known to be cold
  shadow       optional: {"pairs": 100, "errors": [worse, better], "latency": [slower, faster],
               "predictions": [higher, lower]} of mirrored requests

Without --policy there are 40 latency edges (5 ms times 1.25 to the k) and 20 prediction bins.
--policy FILE is JSON with any keys of JudgePolicy, for example
  {"latency_edges": [50, 100], "prediction_bins": 2, "alpha": 0.01, "lag_seconds": 60}
Empty lists for latency_edges, and 0 for prediction_bins, leave these streams out.

Out comes one JSON line per release: action (hold, step, promote, rollback, inconclusive), weight
(the wanted share), reason, log_evidence (natural; rollback at log_threshold), streams, margins.
The fold of a release ends at its rollback or promotion.

--live answers every line at once, so that a simulator of your own can follow the wanted share.
Lines of many releases may interleave. A line may also be a list of windows, [{...}, {...}]; it
is folded side by side and answered by a list. That is how to steer hundreds of releases: one
list of all of them for every ten seconds.
"""


class Sink:
    """A file that forgets."""

    def write(self, text: str) -> None:
        """Forget."""

    def flush(self) -> None:
        """Nothing to flush."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        return None


def read(lines: Iterable[str]) -> Iterator[tuple[str, Window]]:
    """Release and window of every line that is not empty.

    Raises:
        ValueError: a line is not a window; the message names the line.
    """
    for items, _ in read_lists(lines):
        yield from items


def read_lists(lines: Iterable[str]) -> Iterator[tuple[list[tuple[str, Window]], bool]]:
    """Windows of every line that is not empty, and whether the line was a list."""
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            told = json.loads(text)
            yield (
                [_window(item) for item in (told if isinstance(told, list) else [told])],
                isinstance(told, list),
            )
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from error


def _window(document: object) -> tuple[str, Window]:
    release = str(document.pop("release", "")) if isinstance(document, dict) else ""
    return release, Window.model_validate(document)


def judge_file(name: str, policy_file: str | None, *, live: bool) -> None:
    """Print a verdict per release, or after every line when ``live``, as JSON lines."""
    policy = (
        JudgePolicy.model_validate_json(Path(policy_file).read_text())
        if policy_file
        else JudgePolicy()
    )
    began, count, releases = time.monotonic(), 0, 0
    with _source(name) as lines:
        if live:
            states: dict[str, JudgeState] = {}
            for items, listed in read_lists(lines):
                answers = _answer(policy, states, items)
                print(json.dumps(answers if listed else answers[0]), flush=True)
                count += len(items)
            releases = len(states)
        else:
            for names, group in _groups(read(lines)):
                count += sum(len(windows) for windows in group)
                releases += len(names)
                for release, given in zip(names, judge_many(policy, group), strict=True):
                    print(json.dumps({"release": release, **given.model_dump()}))
                _progress(f"{releases} releases, {count} windows, {time.monotonic() - began:.0f} s")
    spent = time.monotonic() - began
    _progress(
        f"{releases} releases, {count} windows in {spent:.1f} s: "
        f"{1000 * spent / max(count, 1):.3f} ms per window"
    )


def _answer(
    policy: JudgePolicy, states: dict[str, JudgeState], items: list[tuple[str, Window]]
) -> list[dict[str, object]]:
    """Fold these windows, every release's own in the order given; a verdict for each."""
    answers: list[dict[str, object]] = [{} for _ in items]
    waiting = list(enumerate(items))
    while waiting:
        first: dict[str, tuple[int, Window]] = {}
        later = []
        for place, (release, window) in waiting:
            if release in first:
                later.append((place, (release, window)))
            else:
                first[release] = (place, window)
        before = [states.get(release) or JudgeState.start(policy) for release in first]
        after = observe_many(before, [window for _, window in first.values()])
        for (release, (place, _)), state in zip(first.items(), after, strict=True):
            states[release] = state
            answers[place] = {"release": release, **verdict(state).model_dump()}
        waiting = later
    return answers


@contextmanager
def _source(name: str) -> Iterator[TextIO]:
    if name == "-":
        yield sys.stdin
        return
    with Path(name).open() as lines:
        yield lines


def _groups(
    windows: Iterator[tuple[str, Window]],
) -> Iterator[tuple[list[str], list[list[Window]]]]:
    names: list[str] = []
    group: list[list[Window]] = []
    seen: set[str] = set()
    for release, items in groupby(windows, key=lambda item: item[0]):
        if release in seen:
            raise ValueError(f"the lines of release {release!r} do not stand together; use --live")
        seen.add(release)
        names.append(release)
        group.append([window for _, window in items])
        if len(names) == SIDE_BY_SIDE:
            yield names, group
            names, group = [], []
    if names:
        yield names, group


def _progress(text: str) -> None:
    print(text, file=sys.stderr)


def sample(scenario: Scenario, reps: int, seconds: int, share: float, seed: int) -> None:
    """Print windows of ``reps`` releases that stay at one share after ten minutes of history."""
    policy = JudgePolicy()
    rng = np.random.default_rng(seed)
    for first in range(0, reps, SIDE_BY_SIDE):
        size = min(SIDE_BY_SIDE, reps - first)
        world = World(scenario, Setting(), policy.latency_edges, policy.prediction_bins, size, rng)
        told = []
        for step in range(seconds // 10):
            weight = share if step >= 60 else 0.0
            counts, _ = world.tick(np.full(size, weight))
            span = {"t0": 10.0 * step, "t1": 10.0 * step + 10.0, "weight": weight}
            kinds = (counts.requests, counts.bad, counts.latency, counts.predictions)
            told.append((span, [kind[:, 0].astype(np.int32) for kind in kinds]))
        for row in range(size):
            for span, columns in told:
                arms = {
                    arm: dict(
                        zip(
                            ("requests", "errors", "latency", "predictions"),
                            (column[row, place].tolist() for column in columns),
                            strict=True,
                        )
                    )
                    for place, arm in enumerate(("canary", "stable"))
                }
                print(json.dumps({"release": f"r{first + row}", **span, **arms}))
