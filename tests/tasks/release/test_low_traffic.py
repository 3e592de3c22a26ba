"""Where few requests come they are mirrored first; where enough come they need not be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from tasks.release import run, start_release
from tests.tasks.release import memory
from tests.tasks.release.memory import MODEL, V2
from tests.tasks.release.test_outside import SHORT


@dataclass
class Counting:
    """The analysis in memory, with the stable version's requests in each window."""

    analysis: Any
    requests: int

    def analyse(self, journal: Any, told: Any) -> Any:
        state, ruling, points = self.analysis.analyse(journal, told)
        counted = [
            point.model_copy(
                update={"stable": point.stable.model_copy(update={"requests": self.requests})}
            )
            for point in points
        ]
        return state, ruling, tuple(counted)


def release(requests: int, **spec: Any) -> Any:
    world = memory.serving_world(release={**SHORT, "shadow_seconds": 60, **spec})
    context = world.context("ann")
    context = replace(context, analysis=Counting(context.analysis, requests))
    start_release(context, MODEL, V2, "ann", "weekly")
    return run(context, MODEL)


@pytest.mark.parametrize(
    ("requests", "spec", "said"),
    [
        (60, {"shadow_below": 2.0}, "1 requests/s are too few for a small share to tell much"),
        (0, {"shadow_below": 2.0}, "0 requests/s are too few"),
        (60, {}, "mirrored traffic first"),
    ],
)
def test_few_requests_are_mirrored_first_and_the_journal_says_so(
    requests: int, spec: dict[str, Any], said: str
) -> None:
    ended = release(requests, **spec)
    assert ended.phase == "done", ended.verdict
    [entered] = [e for e in ended.entries if e.kind == "phase" and e.action == "shadow"]
    assert said in entered.detail


def test_enough_requests_need_no_mirror() -> None:
    ended = release(6_000, shadow_below=2.0)
    assert ended.phase == "done", ended.verdict
    phases = [e.action for e in ended.entries if e.kind == "phase"]
    assert "shadow" not in phases
    [entered] = [e for e in ended.entries if e.kind == "phase" and e.action == "bring_up"]
    assert "100 requests/s need no mirror" in entered.detail
