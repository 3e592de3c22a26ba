"""Automatic rollback while a release is young, as apps ask for it.

Checked every 30 s for an hour after promotion: an error rate above 5 % or a mean latency above
2,000 ms puts the previous version back, marks the pointer and invalidates the CDN.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks.release import testbed
from tasks.release import advance, run, start_release
from tasks.release.hosting.names import variant_of
from tasks.specs.release import ReleaseSpec

TIME_SCALE = 30.0
MODEL = testbed.MODEL
YOUNG: dict[str, Any] = {
    "window_seconds": 30,
    "watch_seconds": 3600,
    "max_error_rate": 0.05,
    "max_latency_ms": 2000.0,
}
"""The requirement, word for word, as model.yaml has it."""
TURNS: dict[str, dict[str, float]] = {"errors": {"errors": 0.3}, "latency": {"sleep": 2.6}}

pytestmark = pytest.mark.timeout(600)


def test_the_requirement_can_be_said_in_model_yaml() -> None:
    said = ReleaseSpec.model_validate(YOUNG)
    assert {name: getattr(said, name) for name in YOUNG} == YOUNG


@pytest.mark.parametrize("kind", TURNS)
def test_a_version_that_turns_bad_after_promotion_goes_back_by_itself(
    place: Any, tmp_path: Path, kind: str
) -> None:
    before = place.pointer()
    switch = tmp_path / "turns"
    version = place.publish(turns=str(switch), turned=TURNS[kind])
    context = place.context(**YOUNG, metrics_lag_seconds=30)
    start_release(context, MODEL, version, "ann", "weekly")
    with testbed.LoadGenerator(place.aws.endpoint_url, threads=6):
        while (step := advance(context, MODEL)).journal.phase != "watching":
            assert not step.ended, step.journal.verdict
            context.clock.sleep(step.wake_in)
        promoted = place.pointer()
        assert (promoted.version, promoted.previous) == (version, before.version)
        switch.touch()
        turned = time.monotonic()
        ended = run(context, MODEL)
    assert ended.phase == "rolled_back", ended.verdict
    assert time.monotonic() - turned < YOUNG["watch_seconds"] / TIME_SCALE, "within the hour"
    back = place.pointer()
    assert (back.version, back.previous, back.rollback) == (before.version, version, True)
    assert "cdn_back" in ended.marks
    assert ended.verdict.endswith(f"From {version} to {before.version}.")
    assert place.serves() == {variant_of(before.version): 1.0}
    assert f"Now serving: {before.version}" in place.told()[f"Rolled back: {MODEL} {version}"]
    watched = [point.at for point in ended.timeline]
    assert {round(at) % 30 for at in watched} == {round(watched[0]) % 30}
