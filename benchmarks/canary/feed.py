"""Windows as plain data: in from JSON lines, out as verdicts; and samples to try it with."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import compress, groupby, pairwise
from pathlib import Path
from typing import Self, TextIO

import numpy as np

from benchmarks.canary.lines import policy_of, read, read_lists
from benchmarks.canary.scenarios import Scenario
from benchmarks.canary.world import Setting, World
from tasks.judge import (
    CanaryVerdict,
    JudgePolicy,
    JudgeState,
    Window,
    judge_many,
    observe,
    observe_many,
    verdict,
)

SIDE_BY_SIDE = 100
UNKNOWN = -1


Answer = dict[str, object]


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


def judge_file(name: str, policy_file: str | None, *, live: bool) -> None:
    """Print a verdict per release, or after every line when ``live``, as JSON lines."""
    policy = policy_of(policy_file)
    began, count, releases = time.monotonic(), 0, 0
    with _source(name) as lines:
        if live:
            states: dict[str, JudgeState] = {}
            for items, listed in read_lists(policy, lines):
                answers = _answer(policy, states, items)
                print(json.dumps(answers if listed else answers[0]), flush=True)
                count += len(items)
            releases = len(states)
        else:
            for names, group in _groups(read(policy, lines)):
                count += sum(len(windows) for windows in group)
                releases += len(names)
                for line in _judged(policy, names, group):
                    print(json.dumps(line))
                _progress(f"{releases} releases, {count} windows, {time.monotonic() - began:.0f} s")
    if count == 0:
        raise ValueError("there is no window in it")
    spent = time.monotonic() - began
    _progress(
        f"{releases} releases, {count} windows in {spent:.1f} s: "
        f"{1000 * spent / max(count, 1):.3f} ms per window"
    )


def _judged(policy: JudgePolicy, names: list[str], group: list[list[Window]]) -> list[Answer]:
    """A verdict for each release, side by side; one by one where windows are not in order."""
    orderly = [all(a.t1 <= b.t0 + 1e-6 for a, b in pairwise(windows)) for windows in group]
    together = iter(judge_many(policy, list(compress(group, orderly))))
    answers = []
    for release, windows, in_order in zip(names, group, orderly, strict=True):
        if in_order:
            answers.append(_said(release, next(together), 0))
            continue
        state = JudgeState.start(policy)
        with _named(release):
            for window in windows:
                state = observe(state, window)
                if state.standing is not None:
                    break
        answers.append(_said(release, verdict(state), state.refused))
    return answers


def _said(release: str, given: CanaryVerdict, refused: int) -> Answer:
    return {"release": release, **given.model_dump(), "refused": refused}


@contextmanager
def _named(release: str) -> Iterator[None]:
    """Say which release an error is about."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"release {release!r}: {error}") from error


def _answer(
    policy: JudgePolicy, states: dict[str, JudgeState], items: list[tuple[str, Window]]
) -> list[Answer]:
    """Fold these windows, every release's own in the order given; a verdict for each."""
    answers: list[Answer] = [{} for _ in items]
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
        try:
            after = observe_many(before, [window for _, window in first.values()])
        except ValueError:
            for state, (release, (_, window)) in zip(before, first.items(), strict=True):
                with _named(release):
                    observe(state, window)
            raise
        for (release, (place, _)), state in zip(first.items(), after, strict=True):
            states[release] = state
            answers[place] = _said(release, verdict(state), state.refused)
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
            known = (counts.trials > 0) | (counts.requests == 0)
            errors = np.where(known, counts.bad, UNKNOWN)
            kinds = (counts.requests, errors, counts.latency, counts.predictions)
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
                for counted in arms.values():
                    if counted["errors"] == UNKNOWN:
                        counted["errors"] = None
                print(json.dumps({"release": f"r{first + row}", **span, **arms}))
