"""Windows as plain data: in from JSON lines, out as verdicts; and samples to try it with.

A line is one window as tasks.release.judge.Window has it, with the release it belongs to:

    {"release": "r1", "t0": 0, "t1": 10, "weight": 0.05,
     "canary": {"requests": 5, "errors": 0, "latency": [...], "predictions": [...]},
     "stable": {...}}

The lines of one release stand together, unless ``--live`` asks for a verdict after every line.
"""

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
from tasks.release.judge import JudgePolicy, JudgeState, Window, judge_many, observe, verdict

SIDE_BY_SIDE = 100


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
    """Release and window of every line that is not empty."""
    for text in lines:
        if not text.strip():
            continue
        document = json.loads(text)
        release = str(document.pop("release", ""))
        yield release, Window.model_validate(document)


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
            for release, window in read(lines):
                state = observe(states.get(release) or JudgeState.start(policy), window)
                states[release] = state
                print(json.dumps({"release": release, **verdict(state).model_dump()}), flush=True)
                count += 1
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
    for release in range(reps):
        world = World(
            scenario,
            Setting(),
            policy.latency_edges,
            policy.prediction_bins,
            1,
            np.random.default_rng([seed, release]),
        )
        for step in range(seconds // 10):
            weight = share if step >= 60 else 0.0
            counts, _ = world.tick(np.array([weight]))
            arms = {
                name: {
                    "requests": int(counts.requests[0, 0, arm]),
                    "errors": int(counts.bad[0, 0, arm]),
                    "latency": counts.latency[0, 0, arm].astype(int).tolist(),
                    "predictions": counts.predictions[0, 0, arm].astype(int).tolist(),
                }
                for arm, name in enumerate(("canary", "stable"))
            }
            window = {"t0": float(counts.t0[0]), "t1": float(counts.t1[0]), "weight": weight}
            print(json.dumps({"release": f"r{release}", **window, **arms}))
