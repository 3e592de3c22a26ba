"""Two processes release one model in the same second: one runs; the other waits, or is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from benchmarks.release import testbed
from tasks.release.hosting.names import variant_of

TIME_SCALE = 240.0
PROGRAM = """
import json, sys

from benchmarks.release import testbed
from tasks.errors import ReleaseInProgress
from tasks.release import release_version

version, policy = sys.argv[1:]
context = testbed.context(f"process-{version}", testbed.spec(when_busy=policy, watch_seconds=60))
print("ready", flush=True)
sys.stdin.readline()
try:
    journal = release_version(context, testbed.MODEL, version, "ann", "storm")
    told = {"version": version, "phase": journal.phase}
    told |= {"started": journal.started, "ended": journal.ended_at}
except ReleaseInProgress as error:
    told = {"refused": str(error)}
print(json.dumps(told), flush=True)
"""


def race(place: Any, policy: str) -> dict[str, dict[str, Any]]:
    """Start both at the same moment; what each told, by version."""
    versions = [place.publish(), place.publish()]
    people = {
        version: subprocess.Popen(
            [sys.executable, "-c", PROGRAM, version, policy],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **testbed.environment(place.aws)},
        )
        for version in versions
    }
    for person in people.values():
        assert person.stdout.readline() == "ready\n"
    with testbed.LoadGenerator(place.aws.endpoint_url, threads=2) as load:
        for person in people.values():
            person.stdin.write("go\n")
            person.stdin.flush()
        told = {version: person.communicate(timeout=120)[0] for version, person in people.items()}
    assert load.failed == 0, load.answers
    return {version: json.loads(said) for version, said in told.items()}


def served_after(told: dict[str, dict[str, Any]], before: str) -> str:
    """The version that the last promotion left; what a busy machine's canary decides is its own."""
    ended = sorted((said for said in told.values() if "phase" in said), key=lambda s: s["ended"])
    assert {said["phase"] for said in ended} <= {"done", "rolled_back"}
    promoted = [said["version"] for said in ended if said["phase"] == "done"]
    return promoted[-1] if promoted else before


def test_of_two_processes_in_the_same_second_exactly_one_releases(place: Any) -> None:
    before = place.pointer().version
    told = race(place, "refuse")
    (winner,) = [version for version, said in told.items() if "phase" in said]
    (loser,) = [version for version, said in told.items() if "refused" in said]
    assert winner in told[loser]["refused"], "the refusal names what is under way"
    assert "Next: " in told[loser]["refused"]
    serving = served_after(told, before)
    assert place.serves() == {variant_of(serving): 1.0}
    assert place.pointer().version == serving


@pytest.mark.timeout(200)
def test_where_the_policy_says_wait_the_second_begins_when_the_first_has_ended(place: Any) -> None:
    before = place.pointer().version
    told = race(place, "wait")
    first, second = sorted(told.values(), key=lambda said: said["started"])
    assert second["started"] >= first["ended"]
    serving = served_after(told, before)
    assert place.serves() == {variant_of(serving): 1.0}
    assert place.pointer().version == serving
