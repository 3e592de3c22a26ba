"""The page says what a release does not protect from, with its own figures."""

from __future__ import annotations

from typing import Any

from tasks.release import roll_back, run, start_release
from tasks.release.journal.record import ArmFigures, Journal, Point
from tasks.release.pages import timeline
from tasks.release.pages.unprotected import unprotected
from tasks.specs.release import ReleaseSpec
from tests.tasks.release import memory
from tests.tasks.release.memory import MODEL, V1, V2
from tests.tasks.release.test_crashes import SHORT


def released(**release: Any) -> tuple[Any, Journal]:
    world = memory.serving_world(release={**SHORT, **release})
    start_release(world.context("a"), MODEL, V2, "ann", "weekly")
    return world, run(world.context("a"), MODEL)


def with_spec(journal: Journal, **changes: Any) -> Journal:
    spec = ReleaseSpec.model_validate({**journal.spec.model_dump(), **changes})
    return journal.model_copy(update={"spec": spec})


def test_the_load_is_the_highest_that_was_seen() -> None:
    _, journal = released()
    seconds = journal.spec.window_seconds

    def point(requests: int, share: float) -> Point:
        arm = ArmFigures(requests=requests)
        return Point(at=0.0, share=share, against=0.0, proven=0.0, candidate=arm, stable=arm)

    seen = (point(10 * seconds, 0.1), point(2 * seconds, 0.5))
    first = unprotected(journal.model_copy(update={"timeline": seen}))[0]
    assert "at most 20 requests/s" in first
    assert "at most 50% of them" in first
    assert "busiest hour" not in first
    known = journal.model_copy(update={"timeline": seen, "busiest_before": 50.0})
    assert (
        "20 requests/s were seen (40% of the busiest hour of the week before)"
        in (unprotected(known)[0])
    )
    assert "nothing is known" in unprotected(journal.model_copy(update={"timeline": ()}))[0]


def test_what_the_policy_lets_through_is_said() -> None:
    _, journal = released()
    told = " ".join(unprotected(with_spec(journal, harm={"latency": 0.07, "errors": 0.002})))
    assert "Up to 7% slower, or 0.2% more errors, roll nothing back." in told
    assert "10% of requests slower than the stable median" in " ".join(
        unprotected(with_spec(journal, tolerance={}))
    )
    strict = unprotected(with_spec(journal, harm={"latency": 0.0, "errors": 0.0}))
    assert not any("roll nothing back" in sentence for sentence in strict)


def test_one_instance_and_uncompared_predictions_are_said() -> None:
    _, journal = released()
    alone = journal.model_copy(update={"instances": 1, "predictions_judged": False})
    several = journal.model_copy(
        update={"instances": 4, "predictions_judged": True, "prediction_edges": (0.5,)}
    )
    for words in ("one instance", "Predictions were not compared"):
        assert any(words in sentence for sentence in unprotected(alone))
        assert not any(words in sentence for sentence in unprotected(several))


def test_users_devices_are_the_edges_own_blind_spot() -> None:
    _, journal = released()
    edge = " ".join(unprotected(with_spec(journal, delivery="edge")))
    assert "devices report nothing" in edge
    assert "one instance" not in edge


def test_a_first_version_was_compared_with_nothing_and_a_rollback_adds_nothing() -> None:
    world, journal = released()
    first = journal.model_copy(update={"stable": None})
    assert unprotected(first) == [
        "Nothing was compared: no stable version was beside the candidate."
    ]
    back = roll_back(world.context("bob"), MODEL, "bob", "I do not like it")
    assert back.verdict.endswith(f"to {V1}.")
    assert unprotected(back) == []
    assert "does not protect" not in timeline.page(back)


def test_the_page_shows_it_before_the_journal() -> None:
    _, journal = released()
    page = timeline.page(journal)
    assert page.index("## What this release does not protect from") < page.index("## Journal")
    assert all(f"- {sentence}" in page for sentence in unprotected(journal))
