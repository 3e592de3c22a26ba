"""Each event once, each user counted once: in any order, however often, whoever dies where."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import pytest

from tasks.errors import AwsError
from tasks.experiments.blocks import MILLION
from tasks.experiments.entries import Recorded, UserEvent
from tasks.experiments.plan import DAY, HOUR, SuccessMetric
from tasks.experiments.records import KEPT_SECONDS, RecordedTotals, Records
from tests.tasks.experiments.conftest import START, TABLE, V1, V2, an_experiment

TIME_SCALE = 1
SPENT = SuccessMetric(name="spent", kind="mean", minimal_difference=1, cap=10)
BOOKED = SuccessMetric(name="booked", minimal_difference=0.1)
_ids = iter(range(10_000))


def records(**changes: Any) -> Records:
    asked = {"metrics": (BOOKED, SPENT), "window_seconds": 24 * HOUR, "id": f"exp-{next(_ids)}"}
    return Records(TABLE, an_experiment(**{**asked, **changes}))


def did(event: str, metric: str = "", value: float = 1, version: str = "") -> UserEvent:
    return UserEvent(event=event, metric=metric, amount=round(value * MILLION), version=version)


def totals(tally: RecordedTotals) -> dict[Any, Any]:
    """Sums over all cells, by arm."""
    found: Counter[Any] = Counter()
    for cell in tally.cells:
        found[cell.arm, "users"] += cell.users
        for name, (s, q) in cell.sums.items():
            found[cell.arm, name] += s
            found[cell.arm, name, "q"] += q
    return {key: value for key, value in found.items() if value}


def by_hand(asked: Records, amounts: dict[str, dict[str, float]]) -> dict[Any, Any]:
    """The same from what each user did."""
    found: Counter[Any] = Counter()
    for user, did_so in amounts.items():
        arm = asked.experiment.arm_of(user)
        found[arm, "users"] += 1
        for name, value in did_so.items():
            y = float(value > 0) if name == "booked" else min(max(value / 10, 0), 1)
            found[arm, name] += round(y * MILLION)
            found[arm, name, "q"] += round(y * MILLION) ** 2
    return {key: value for key, value in found.items() if value}


WHAT = {
    "u1": (did("e1", "booked"), did("e2", "spent", 3), did("e3", "spent", 4.5)),
    "u2": (did("e1"),),
    "u3": (did("e1", "spent", 9), did("e2", "spent", 9)),
    "u4": (did("e1", "booked"), did("e2", "booked"), did("e3", "spent", -2)),
}
SUMS: dict[str, dict[str, float]] = {
    "u1": {"booked": 1, "spent": 7.5}, "u2": {}, "u3": {"spent": 18},
    "u4": {"booked": 2, "spent": -2},
}  # fmt: skip


def test_users_are_counted_once_with_what_they_did_in_their_window(room: Any) -> None:
    asked = records()
    made = asked.record(WHAT, START)
    assert made == Recorded(events=9, entered=4)
    assert asked.settle(START + 23 * HOUR) == 0
    assert asked.tally(START + HOUR).cells == ()
    assert sum(asked.tally(START + HOUR).pending) == 4
    assert asked.settle(START + 25 * HOUR) == 4
    tally = asked.tally(START + 25 * HOUR)
    assert totals(tally) == by_hand(asked, SUMS)
    assert {cell.block for cell in tally.cells} == {24}
    assert tally.pending == (0, 0)
    assert asked.settle(START + 26 * HOUR) == 0
    assert asked.tally(START + 26 * HOUR) == tally


def test_the_order_of_records_and_how_they_are_sent_do_not_matter(room: Any) -> None:
    together, apart = records(id="one-id"), records(id="other-id")
    together.record(WHAT, START)
    for user in reversed(WHAT):
        for entry in reversed(WHAT[user]):
            apart.record({user: (entry,)}, START)
    for asked in (together, apart):
        asked.settle(START + 25 * HOUR)
    assert together.tally(START + 25 * HOUR) == apart.tally(START + 25 * HOUR)


def test_a_repeated_record_counts_once(room: Any) -> None:
    asked = records()
    asked.record(WHAT, START)
    assert asked.record(WHAT, START + HOUR) == Recorded(repeated=9)
    more = asked.record({"u1": (did("e3", "spent", 4.5), did("e4", "spent", 1))}, START + HOUR)
    assert more == Recorded(events=1, repeated=1)
    asked.settle(START + 25 * HOUR)
    amounts = {**SUMS, "u1": {"booked": 1, "spent": 8.5}}
    assert totals(asked.tally(START + 25 * HOUR)) == by_hand(asked, amounts)


def test_what_comes_after_the_count_is_late_and_changes_nothing(room: Any) -> None:
    asked = records()
    asked.record(WHAT, START)
    asked.settle(START + 25 * HOUR)
    before = asked.tally(START + 25 * HOUR)
    late = {"u1": (did("e1", "booked"), did("e9", "spent", 1))}
    assert asked.record(late, START + 26 * HOUR) == Recorded(late=1, repeated=1)
    assert asked.record(late, START + 26 * HOUR) == Recorded(repeated=2)
    after = asked.tally(START + 26 * HOUR)
    assert (after.cells, after.late) == (before.cells, 1)


def test_nobody_enters_after_the_end_but_who_entered_goes_on_counting(room: Any) -> None:
    asked = records()
    end = asked.experiment.ends
    asked.record({"u1": (did("e1"),)}, end - HOUR)
    more = {"u1": (did("e2", "booked"),), "u2": (did("e1", "booked"),)}
    assert asked.record(more, end + HOUR) == Recorded(events=1, ended=1)
    asked.settle(end + 2 * DAY)
    assert totals(asked.tally(end + 2 * DAY)) == by_hand(asked, {"u1": {"booked": 1}})


def test_who_was_seen_with_the_other_version_stays_in_his_arm_and_is_told(room: Any) -> None:
    asked = records()
    arm = asked.experiment.arm_of("u1")
    own, other = (V2, V1) if arm == "treatment" else (V1, V2)
    asked.record({"u1": (did("e1", version=own),)}, START)
    asked.record({"u2": (did("e1", version=own), did("e2", version=other))}, START)
    asked.record({"u1": (did("e2", version=other),)}, START)
    asked.settle(START + 2 * DAY)
    tally = asked.tally(START + 2 * DAY)
    assert sum(cell.crossed for cell in tally.cells) == 2
    assert totals(tally)[arm, "users"] >= 1


def test_a_user_with_more_events_than_a_transaction_holds_is_one_user(room: Any) -> None:
    asked = records()
    many = tuple(did(f"e{n}", "spent", 0.01) for n in range(120))
    assert asked.record({"u1": many}, START) == Recorded(events=120, entered=1)
    assert asked.record({"u1": many}, START) == Recorded(repeated=120)
    asked.settle(START + 2 * DAY)
    assert totals(asked.tally(START + 2 * DAY)) == by_hand(asked, {"u1": {"spent": 1.2}})


def test_many_users_in_many_blocks_are_counted_once_by_many_at_once(room: Any) -> None:
    asked = records(window_seconds=HOUR)
    amounts: dict[str, dict[str, float]] = {}
    for hour in range(3):
        users = {f"h{hour}-u{n}": (did("e1", "spent", n % 7),) for n in range(12)}
        amounts |= {user: {"spent": n % 7} for n, user in enumerate(users)}
        asked.record(users, START + hour * HOUR)
    counted: list[int] = []
    threads = [
        threading.Thread(target=lambda: counted.append(asked.settle(START + DAY))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counted) == 36
    assert totals(asked.tally(START + DAY)) == by_hand(asked, amounts)


@pytest.mark.parametrize("kind", ["error", "lost_answer"])
def test_recording_and_counting_stopped_at_any_call_are_finished_by_the_next(
    room: Any, kind: str
) -> None:
    users = ("u1", "u3")
    what, sums = ({user: source[user] for user in users} for source in (WHAT, SUMS))
    calls, stopped = 0, True
    while stopped:
        asked = records(window_seconds=HOUR)
        fault = (
            {"kind": "error", "code": "AccessDeniedException", "status": 400}
            if kind == "error"
            else {"kind": "lost_answer", "drop": True}
        )
        room.aws.faults.add(service="dynamodb", skip=calls, times=1, **fault)
        stopped = False
        for _ in range(2):
            try:
                asked.record(what, START)
                asked.settle(START + 2 * HOUR)
                asked.tally(START + 2 * HOUR)
                break
            except AwsError:
                stopped = True
        room.aws.faults.clear()
        assert totals(asked.tally(START + 2 * HOUR)) == by_hand(asked, sums), f"after {calls}"
        calls += 1
        if kind == "lost_answer":  # the client asks again by itself
            stopped = calls < 8
    assert calls >= 8


def test_every_item_forgets_itself(room: Any) -> None:
    asked = records(id="forgets-itself")
    asked.record(WHAT, START)
    asked.settle(START + 25 * HOUR)
    asked.record({"u1": (did("e9"),), "u9": (did("e1"),)}, START + 25 * HOUR)
    items = room.aws.client("dynamodb").scan(TableName=TABLE)["Items"]
    own = [item for item in items if item["pk"]["S"].startswith("forgets-itself#")]
    expires = asked.experiment.ends + asked.experiment.window_seconds + KEPT_SECONDS
    assert len(own) > 15
    assert {int(item["expires"]["N"]) for item in own} == {int(expires)}
