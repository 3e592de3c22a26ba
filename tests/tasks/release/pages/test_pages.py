"""What people read of a release: folded lines, the page, the summary."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.release import roll_back, run, start_release
from tasks.release.journal.record import JournalEntry
from tasks.release.pages import lines, summary, timeline
from tasks.values import Pointer, Rollout
from tests.tasks.release import memory
from tests.tasks.release.memory import MODEL, V1, V2
from tests.tasks.release.test_crashes import SHORT


def entry(
    at: float, action: str = "Invalidate", detail: str = "not yet", **more: Any
) -> JournalEntry:
    told = {"actor": "a", "kind": "outcome", **more}
    return JournalEntry(at=at, action=action, detail=detail, **told)


def test_twenty_lines_that_say_the_same_are_one_with_count_first_and_last() -> None:
    alternating = [
        line
        for n in range(20)
        for line in (entry(60.0 * n, kind="intent", detail="mark=cdn"), entry(60.0 * n + 5))
    ]
    intent, outcome = lines.folded(alternating)
    assert (intent.times, intent.at, intent.until) == (20, 0.0, 1140.0)
    assert (outcome.times, outcome.at, outcome.until) == (20, 5.0, 1145.0)
    assert "00:00:05 to 00:19:05, 20 times" in lines.shown(alternating)


def test_what_differs_or_lies_in_another_phase_is_not_folded() -> None:
    told = [
        entry(1, "SetWeights", "share=0.1"),
        entry(2, "SetWeights", "share=0.2"),
        entry(3, "canary", "go on", kind="phase"),
        entry(4, "SetWeights", "share=0.2"),
    ]
    assert lines.folded(told) == tuple(told)


def test_windows_that_differ_in_numbers_only_are_one_line_with_the_newest() -> None:
    told = [entry(n, "Observe", f"1 windows: evidence {n}.5, not yet") for n in range(1, 9)]
    (line,) = lines.folded(told)
    assert (line.detail, line.times) == ("1 windows: evidence 8.5, not yet", 8)


@given(st.lists(st.tuples(st.sampled_from("xyz"), st.sampled_from(["outcome", "phase"]))))
def test_folding_loses_no_line_and_keeps_the_order(told: list[tuple[str, str]]) -> None:
    entries = [entry(float(n), action, kind=kind) for n, (action, kind) in enumerate(told)]
    whole = lines.folded(entries)
    assert sum(line.times for line in whole) == len(entries)
    assert [line.at for line in whole] == sorted(line.at for line in whole)


def test_a_rollbacks_verdict_and_message_say_from_where_to_where() -> None:
    world = memory.serving_world(release=SHORT)
    start_release(world.context("a"), MODEL, V2, "ann", "weekly")
    assert run(world.context("a"), MODEL).phase == "done"
    back = roll_back(world.context("bob"), MODEL, "bob", "I do not like it")
    assert back.verdict == f"I do not like it. From {V2} to {V1}."
    page = timeline.page(back)
    assert f"{V1}, which serves again" in page
    assert world.pointer.rollback


@pytest.mark.parametrize("good", [True, False], ids=["released", "rolled back"])
def test_a_page_names_the_previous_version_and_the_button(good: bool) -> None:
    world = memory.serving_world(release=SHORT, good=good)
    start_release(world.context("a"), MODEL, V2, "ann", "weekly")
    half = run(world.context("a"), MODEL, seconds=130.0)
    assert "takes this release over at once" in timeline.page(half)
    page = timeline.page(run(world.context("a"), MODEL))
    assert V1 in page
    if good:
        assert "**Deployments → rollback/manual → Run → Custom run**" in page
        assert f"to_version `{V1}`" in page
    assert page.index("evidence over time") < page.index("| what | value |")
    assert "like odds" in page


def pointer(**more: Any) -> Pointer:
    told = {"version": V2, "previous": V1, "actor": "ann", "reason": "weekly", **more}
    return Pointer(model=MODEL, timestamp="2026-01-08T02:00:00+00:00", **told)


def test_the_summary_says_what_serves_what_served_and_how_to_undo_it() -> None:
    page = summary.page(MODEL, "Proven not worse.", pointer(), V1, "endpoint sluice-x")
    assert page.startswith(f"# {MODEL}: {V2} serves")
    assert f"| previous version | {V1} |" in page
    assert f"-p model={MODEL} -p to_version={V1}" in page
    shown = pointer(rollout=Rollout(version="v3", percent=20, salt="s"))
    assert "v3 to 20 % of the users" in summary.page(MODEL, "…", shown, V1)


def test_the_summary_of_nothing_and_of_a_first_version_promises_no_way_back() -> None:
    assert "nothing serves" in summary.page(MODEL, "It did not come up.", None, None)
    only = summary.page(MODEL, "done", pointer(previous=None), None)
    assert "to_version" not in only
    assert "there is no earlier version" in only
