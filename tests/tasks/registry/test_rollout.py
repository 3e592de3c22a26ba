"""Staged rollouts in the pointer: they grow, are promoted or withdrawn, and never come back."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tasks.errors import PointerMoved, VersionUnknown
from tasks.values import Pointer, Rollout

V1, V2, V3 = "v20260101_020000", "v20260102_020000", "v20260103_020000"


@pytest.fixture
def served(shelf: Any) -> Any:
    for version in (V1, V2, V3):
        shelf.put(version)
    shelf.first = shelf.registry.move_pointer(
        shelf.model, V1, expected=None, actor="ann", reason="first"
    )
    return shelf


def show(shelf: Any, percent: int, before: Pointer, version: str = V2, salt: str = "s") -> Pointer:
    rollout = Rollout(version=version, percent=percent, salt=salt)
    return shelf.registry.stage_rollout(
        shelf.model, rollout, before=before, actor="judge", reason=f"{percent} %"
    )


def withdraw(shelf: Any, version: str = V2) -> Pointer:
    return shelf.registry.move_pointer(
        shelf.model, V1, expected=version, actor="judge", reason="worse", rollback=True
    )


def test_a_rollout_grows_and_the_version_stays(served: Any) -> None:
    shown = show(served, 5, served.first)
    grown = show(served, 20, shown)
    found = served.registry.pointer(served.model)
    assert found == grown
    assert (found.version, found.previous, found.rollback) == (V1, None, False)
    assert Rollout(version=V2, percent=20, salt="s").deals_as(found.rollout)


def test_a_step_repeated_by_a_successor_changes_nothing(served: Any) -> None:
    shown = show(served, 5, served.first)
    assert show(served, 5, served.first) == shown


@pytest.mark.parametrize(
    ("percent", "version", "salt"), [(4, V2, "s"), (6, V3, "s"), (6, V2, "other")]
)
def test_no_user_is_moved_to_and_fro(served: Any, percent: int, version: str, salt: str) -> None:
    shown = show(served, 5, served.first)
    with pytest.raises(PointerMoved, match="5 % already"):
        show(served, percent, shown, version, salt)
    assert served.registry.pointer(served.model) == shown


def test_promotion_ends_the_rollout(served: Any) -> None:
    show(served, 90, served.first)
    promoted = served.registry.move_pointer(
        served.model, V2, expected=V1, actor="judge", reason="proven"
    )
    assert (promoted.version, promoted.previous, promoted.rollout) == (V2, V1, None)


def test_a_withdrawn_candidate_is_named_as_what_was_before(served: Any) -> None:
    show(served, 5, served.first)
    back = withdraw(served)
    assert (back.version, back.previous, back.rollback, back.rollout) == (V1, V2, True, None)
    assert withdraw(served) == back


def test_an_overtaken_actor_cannot_show_a_withdrawn_candidate_again(served: Any) -> None:
    shown = show(served, 5, served.first)
    withdraw(served)
    for percent, before in ((5, served.first), (20, shown)):
        with pytest.raises(PointerMoved, match="worse"):
            show(served, percent, before)
    assert served.registry.pointer(served.model).rollout is None


def test_a_withdrawal_before_the_first_step_keeps_a_late_step_out(served: Any) -> None:
    withdraw(served)
    with pytest.raises(PointerMoved):
        show(served, 1, served.first)


def test_a_version_that_does_not_exist_is_never_shown(served: Any) -> None:
    with pytest.raises(VersionUnknown):
        show(served, 5, served.first, version="v20270101_020000")


def test_of_many_steps_in_one_moment_exactly_one_is_taken(served: Any) -> None:
    taken: list[int] = []

    def step(percent: int) -> None:
        try:
            show(served, percent, served.first)
        except PointerMoved:
            return
        taken.append(percent)

    threads = [threading.Thread(target=step, args=(percent,)) for percent in range(1, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken == [served.registry.pointer(served.model).rollout.percent]


def test_a_step_whose_answer_is_lost_was_taken(served: Any) -> None:
    served.aws.faults.add(kind="lost_answer", service="s3", action="PutObject", times=1, drop=True)
    show(served, 5, served.first)
    assert served.registry.pointer(served.model).rollout.percent == 5
