"""A fault at every call to AWS that a release makes.

One release is struck at several of its calls of one action, far from each other: call k, k + n,
k + 2n …; a struck call that AWS answered in the end counts once, so the places are those of a
release that nothing disturbs. When such a release ends wrongly, each of its calls is struck alone.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.release import testbed
from benchmarks.release.bench import BAD, Bench
from benchmarks.release.rows import NOTHING, Row, said

FAULTS: dict[str, dict[str, Any]] = {
    "lost answer": {"kind": "lost_answer", "drop": True, "times": 1},
    "throttle": {"kind": "throttle", "times": 3},
    # What is left when the client's own retries are over; one answer that it does not retry.
    "unavailable": {"kind": "error", "code": "InternalFailure", "status": 520, "times": 1},
}
OF_SERVICE: dict[str, dict[str, Any]] = {
    "silent rollback": {"kind": "silent_rollback", "times": 1},
    "no capacity": {"kind": "capacity", "times": 1},
}
"""What SageMaker does to an update that it has accepted."""
UPDATES = 2
"""Updates of the endpoint in one release: both versions, then one of them alone."""
NOT_OURS = {"InvokeEndpoint", "PutMetricData"}
"""Users' requests, and what the serving programs publish; the health check's are told apart."""
REFUSED_AGAIN = {
    "PutObject",
    "CreateModel",
    "CreateEndpointConfig",
    "DeleteModel",
    "DeleteEndpointConfig",
}
"""Calls that AWS refuses the second time, since the first one did it."""
FEW = 3
"""Calls of one action, up to which each has a release of its own."""
HEALTH_CHECK = ("sagemaker", "InvokeEndpoint")
DEADLINE = 72_000
"""Seconds until a release is inconclusive; the client's pauses before it tries again are real."""
ASKED = 4
"""Requests of one health check: one, and those of its load test."""


@dataclass(frozen=True)
class InjectionPlan:
    """Which calls get a fault.

    Args:
        candidate: ``good`` or ``bad``.
        faults: Names of `FAULTS`; ``service`` stands for those of `OF_SERVICE`.
        most: Calls of one action, evenly chosen; 0: every one.
        together: Calls that are struck in one release.
        part: Which part of how many, for several processes.
        actions: Only these; none: all.
    """

    candidate: str = "good"
    faults: tuple[str, ...] = ("lost answer", "throttle", "service")
    most: int = 12
    together: int = 1
    part: tuple[int, int] = (0, 1)
    actions: tuple[str, ...] = ()


def inject(bench: Bench, load: testbed.LoadGenerator, plan: InjectionPlan) -> None:
    """Inject a fault at every call; the rows are kept by the bench."""
    counted = _planned(bench, plan)
    for fault in plan.faults:
        for service, action, name, calls in _of(bench, counted, fault, plan):
            _injected(bench, load, plan, service, action, name, calls)
    if "service" in plan.faults and plan.part[0] == 0:
        for name in OF_SERVICE:
            for update in range(UPDATES):
                _injected(bench, load, plan, "*", "*", name, [update])


def _of(
    bench: Bench, counted: Counter[tuple[str, str]], name: str, plan: InjectionPlan
) -> Iterator[tuple[str, str, str, list[int]]]:
    """Releases to come: this part's calls of one action that no kept row has, dealt out."""
    part, parts = plan.part
    for (service, action), count in sorted(counted.items() if name in FAULTS else ()):
        if plan.actions and action not in plan.actions:
            continue
        every = range(count)
        if plan.most and count > plan.most:
            every = range(0, count, -(-count // plan.most))
        done = bench.kept.calls(plan.candidate, service, action, name)
        calls = [call for call in every if call not in done and call % parts == part]
        releases = len(calls) if count <= FEW else -(-len(calls) // plan.together)
        for first in range(releases):
            yield service, action, name, calls[first::releases]


def _planned(bench: Bench, plan: InjectionPlan) -> Counter[tuple[str, str]]:
    """How often each action is called, some more: what a longer release makes is struck as well.

    The first part writes it down, so that every part, and a run that goes on, has the same calls.
    """
    which = {"what": "plan", "candidate": plan.candidate}
    while not bench.kept.has(**which):
        if plan.part[0] > 0:
            time.sleep(1.0)
            bench.kept.reload()
            continue
        counted = _counted(bench, plan.candidate)
        bench.kept.add({**which, "calls": [[*of, n] for of, n in sorted(counted.items())]})
    row = next(row for row in bench.kept.rows if which.items() <= row.items())
    return Counter({(service, action): n + max(1, n // 8) for service, action, n in row["calls"]})


def _counted(bench: Bench, candidate: str) -> Counter[tuple[str, str]]:
    """Calls of a release that nothing disturbs: the most that one of two made."""
    most: Counter[tuple[str, str]] = Counter()
    for _ in range(2):
        version = bench.fresh(**_how(candidate))
        context = testbed.context("probe", testbed.spec())
        before = bench.aws.calls.report()["counts"]
        ended, _ = bench.release(context, version)
        after = bench.aws.calls.report()["counts"]
        assert ended is not None
        bench.end_state(ended, version, good=candidate == "good")
        for named, count in after.items():
            service, _, action = named.partition(":")
            made = count - before.get(named, 0)
            if made > 0 and action not in NOT_OURS:
                most[service, action] = max(most[service, action], made)
    most[HEALTH_CHECK] = ASKED
    return most


def _injected(
    bench: Bench,
    load: testbed.LoadGenerator,
    plan: InjectionPlan,
    service: str,
    action: str,
    name: str,
    calls: list[int],
) -> None:
    """One release, struck at these of its calls; each alone when it ends wrongly."""
    key = {"what": "fault", "candidate": plan.candidate, "service": service, "action": action,
           "fault": name, "calls": calls}  # fmt: skip
    if bench.kept.has(**key):
        return  # of the service: an update
    version = bench.fresh(**_how(plan.candidate))
    context = testbed.context(f"faulty-{bench.number}", testbed.spec(deadline_seconds=DEADLINE))
    answers = load.counts
    params = {"TargetVariant": "?*"} if (service, action) == HEALTH_CHECK else {}
    fault = {**FAULTS, **OF_SERVICE}[name]
    # A struck call passes by the later faults once, when it is answered; a refusal does not.
    gone = 1 if name == "lost answer" and action in REFUSED_AGAIN else 0
    set_ = [
        bench.aws.faults.add(
            service=service, action=action, params=params, skip=call - gone * earlier, **fault
        )
        for earlier, call in enumerate(calls)
    ]
    began = time.monotonic()
    row: Row = {**key, "wrong": "", "end": NOTHING, "why": "", "stopped": ""}
    try:
        ended, row["stopped"] = bench.release(context, version)
        row["seconds"] = time.monotonic() - began
        bench.aws.faults.clear()
        if ended is None:
            bench.serves_alone(bench.serving)
        else:
            row |= {"end": ended.phase, "why": ended.verdict}
            bench.end_state(ended, version, good=plan.candidate == "good")
    except Exception as error:  # noqa: BLE001  a table of all of them is wanted
        row |= {"wrong": repr(error), "end": "wrong", "seconds": time.monotonic() - began}
        bench.aws.faults.clear()
        bench.recover()
    row["struck"] = [call for call, one in zip(calls, set_, strict=True) if one.hits]
    row |= load.since(answers)
    bench.kept.add(row)
    print(said(row), flush=True)
    if len(calls) > 1 and (row["wrong"] or row["failed"]):
        for call in calls:
            _injected(bench, load, plan, service, action, name, [call])


def _how(candidate: str) -> dict[str, Any]:
    return {} if candidate == "good" else BAD
