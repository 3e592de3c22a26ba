"""SIGKILL at every write of the journal, and every fault at every kind of call, under load.

    python -m benchmarks.release.kill_matrix                 the flow, before and after each write
    python -m benchmarks.release.kill_matrix --who worker    its worker; --who both: both at once
    python -m benchmarks.release.kill_matrix --faults        every call: lost answers, throttles,
                                                             silent rollbacks, no capacity

Each line: where it struck, how the release ended, seconds (real, and of the installation's clock)
from the kill (for a fault: from the start) to the verified end, requests that failed. The exit
status is 1 when any end state was wrong or any request failed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.release import town
from benchmarks.release.zygote import Zygote
from embedded_aws import EmbeddedAws
from tasks.release import run, start_release
from tasks.release.journal import Journal
from tasks.release.names import variant_of

SCALE = 120.0
LEASE = 240.0
FAULTS: dict[str, dict[str, Any]] = {
    "lost answer": {"kind": "lost_answer", "drop": True, "times": 1},
    "throttle": {"kind": "throttle", "times": 3},
}
OF_SERVICE: dict[str, dict[str, Any]] = {
    "silent rollback": {"kind": "silent_rollback", "times": 1},
    "no capacity": {"kind": "capacity", "times": 1},
}
"""What SageMaker does to an update that it has accepted."""
UPDATES = 2
"""Updates of the endpoint in one release: both versions, then the candidate alone."""
MOST_OF_ONE = 12
"""Calls of one action that are struck, evenly chosen, unless every one is asked for."""


@dataclass
class Bench:
    """One embedded AWS in which releases follow upon each other."""

    aws: EmbeddedAws
    zygote: Zygote
    folder: Path
    number: int = 0
    serving: str = ""
    who: str = "flow"

    def fresh(self, **how: Any) -> str:
        """Publish the next version."""
        self.number += 1
        version = town.version(self.number)
        town.publish(version, self.folder / version, **how)
        return version

    def first(self) -> None:
        """Bring the first version up."""
        self.serving = self.fresh()
        desk = town.desk("first", town.spec())
        start_release(desk, town.MODEL, self.serving, "ann", "first")
        assert run(desk, town.MODEL).phase == "done"

    def kill(
        self, at: int, when: str, phase: str = "", how: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], Any]:
        """Kill an actor at one write, let reconcile end it, check the end.

        Returns:
            How the actor died, and the ended journal with the real seconds that it took; None when
            the actor finished before it came to that write.
        """
        version = self.fresh(**(how or {}))
        died = self.zygote.actor(
            version=version, at=at, when=when, phase=phase, lease=LEASE, spec={}, who=self.who
        )
        began = time.monotonic() - died.get("lived", 0.0)
        desk = town.desk("reconcile", town.spec(), LEASE)
        if not died["signal"]:
            assert died["code"] == 0, died
            held = desk.journals.read(town.MODEL)
            assert held is not None
            self.end_state(held.journal, version)
            struck = "phase" in died  # its worker died, it went on
            return died, (held.journal, time.monotonic() - began) if struck else None
        held = desk.journals.read(town.MODEL)
        if held is not None and held.journal.candidate.version != version:
            return died, (held.journal, 0.0)  # killed before the first write: nothing was begun
        ended = town.looked_after(desk)
        self.end_state(ended, version)
        return died, (ended, time.monotonic() - began)

    def end_state(self, ended: Journal, candidate: str) -> None:
        """Endpoint, pointer and journal agree on one version, alone at 100 %."""
        assert ended.phase in {"done", "rolled_back"}, ended.verdict
        wanted = candidate if ended.phase == "done" else self.serving
        desk = town.desk("look", town.spec())
        seen = desk.cloud.endpoint(f"sluice-{town.MODEL}")
        assert seen is not None
        assert seen.status == "InService"
        assert town.what_serves(desk) == {variant_of(wanted): 1.0}
        pointer = desk.registry.pointer(town.MODEL)
        assert pointer is not None
        assert pointer.version == wanted
        self.serving = wanted


def kills(bench: Bench, crowd: town.Crowd) -> list[float]:
    """Every write, before and after; the times from kill to end, in real seconds."""
    took: list[float] = []
    for good in (True, False):
        at = 0
        while True:
            over = False
            for when in ("before", "after"):
                died, ended = bench.kill(at, when, how={} if good else {"errors": 0.6})
                if ended is None:
                    over = True
                    break
                journal, seconds = ended
                took.append(seconds)
                what = f"{died.get('phase')}: {died.get('kind')} {died.get('action')}"
                print(
                    f"{'good' if good else 'bad '} {at:3d} {when:6s} {what:50.50s} "
                    f"{journal.phase:11s} {seconds:5.1f} s real {seconds * SCALE:6.0f} s ours, "
                    f"{len(crowd.broken)} broken requests",
                    flush=True,
                )
            if over:
                break
            at += 1
    return took


def faults(bench: Bench, crowd: town.Crowd, most: int) -> tuple[int, list[float]]:
    """Every call that a release makes, each sort of fault; wrong ends, and seconds of each row."""
    wrong, took = 0, []
    for service, action, name, fault, skip in _planned(bench, most):
        bench.aws.faults.clear()
        bench.aws.faults.add(service=service, action=action, skip=skip, **fault)
        version = bench.fresh()
        desk = town.desk(f"faulty-{bench.number}", town.spec())
        began = time.monotonic()
        try:
            start_release(desk, town.MODEL, version, "ann", "weekly")
            ended = run(desk, town.MODEL)
            bench.end_state(ended, version)
            said = str(ended.phase)
        except Exception as error:  # noqa: BLE001  a table of all of them is wanted
            wrong += 1
            said = f"WRONG {error!r}"
            bench.aws.faults.clear()
            bench.serving = _recovered(bench)
        took.append(time.monotonic() - began)
        print(
            f"{service + ':' + action:45s} {name:15s} #{skip:<3d} {said:11s} "
            f"{took[-1]:5.1f} s real {took[-1] * SCALE:6.0f} s ours, "
            f"{crowd.failed} failed requests",
            flush=True,
        )
    bench.aws.faults.clear()
    return wrong, took


def _planned(bench: Bench, most: int) -> Iterator[tuple[str, str, str, dict[str, Any], int]]:
    """What strikes where: each call of a release that was not disturbed, counted."""
    before = bench.aws.calls.report()["counts"]
    desk = town.desk("probe", town.spec())
    version = bench.fresh()
    start_release(desk, town.MODEL, version, "ann", "probe")
    bench.end_state(run(desk, town.MODEL), version)
    after = bench.aws.calls.report()["counts"]
    for named, count in sorted(after.items()):
        service, _, action = named.partition(":")
        calls = count - before.get(named, 0)
        if calls <= 0 or action in {"InvokeEndpoint", "PutMetricData"}:
            continue  # users' requests, and what the serving programs publish
        struck = range(calls)
        if most and calls > most:
            struck = range(0, calls, -(-calls // most))
        for name, fault in FAULTS.items():
            for skip in struck:
                yield service, action, name, fault, skip
    for name, fault in OF_SERVICE.items():
        for skip in range(UPDATES):
            yield "*", "*", name, fault, skip


def _recovered(bench: Bench) -> str:
    desk = town.desk("recover", town.spec())
    time.sleep(LEASE / SCALE)
    ended = town.looked_after(desk)
    wanted = ended.candidate if ended.phase == "done" else ended.stable
    return wanted.version if wanted else bench.serving


def main() -> int:
    """Run the matrix."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", action="store_true")
    parser.add_argument("--who", choices=("flow", "worker", "both"), default="flow")
    parser.add_argument(
        "--occurrences", type=int, default=MOST_OF_ONE, help="calls of one action; 0: every one"
    )
    chosen = parser.parse_args()
    with EmbeddedAws(time_scale=SCALE) as aws, tempfile.TemporaryDirectory() as folder:
        os.environ.update(town.environment(aws))
        town.prepare()
        with Zygote(dict(os.environ)) as zygote:
            bench = Bench(aws, zygote, Path(folder), who=chosen.who)
            bench.first()
            with town.Crowd(aws.endpoint_url, threads=2, pause=0.008) as crowd:
                if chosen.faults:
                    wrong, took = faults(bench, crowd, chosen.occurrences)
                else:
                    wrong, took = 0, kills(bench, crowd)
            own = sum(n for (status, _), n in crowd.answers.items() if status == 424)
            other = crowd.failed - own
    print(
        f"{sum(crowd.answers.values())} requests, {own} of a bad candidate's own errors, ", end=""
    )
    print(f"{other} failed otherwise; {wrong} wrong ends")
    what = "faults; from start" if chosen.faults else f"kills ({chosen.who}); from kill"
    print(
        f"{len(took)} {what} to end: median {statistics.median(took):.1f} s, "
        f"longest {max(took):.1f} s (× {SCALE:.0f} on the installation's clock)"
    )
    return 1 if wrong or other else 0


if __name__ == "__main__":
    sys.exit(main())
