"""Who is looked after, and when: without Prefect, without AWS."""

import threading
from itertools import pairwise

import pytest

from deployments.reconciler import LONGEST_PAUSE, LOOK_REAL_SECONDS, Reconciler
from tasks.errors import AwsThrottled, InvalidModelSpec
from tasks.release.journal.record import Report


class Fleet:
    """Models whose state the test says, and a settling that ends when the test says so."""

    def __init__(self, **states):
        self.states = states
        self.settled: list[str] = []
        self.lines: list[str] = []
        self.now = 0.0
        self.may_end = threading.Event()
        self.may_end.set()
        self.reconciler = Reconciler(
            models=lambda: tuple(self.states),
            status=self.status,
            settle=self.settle,
            say=self.lines.append,
            clock=lambda: self.now,
        )

    def status(self, model, audit):
        state = self.states[model]
        if isinstance(state, Exception):
            raise state
        if state in {"frozen", "drifted"} and not audit:
            state = "nothing"
        return Report(model=model, state=state, detail="as the test says")

    def settle(self, model):
        assert self.may_end.wait(60)
        self.settled.append(model)

    def round(self, *, audit=True):
        begun = self.reconciler.round(audit=audit)
        if self.may_end.is_set():
            for thread in self.reconciler.busy.values():
                thread.join(60)
        return begun


def test_only_what_nobody_owns_is_settled():
    fleet = Fleet(idle="nothing", busy="alive", orphan="left")
    assert fleet.round() == ("orphan",)
    assert fleet.settled == ["orphan"]


def test_a_model_is_settled_once_at_a_time_and_others_do_not_wait_for_it():
    fleet = Fleet(one="left", other="nothing")
    fleet.may_end.clear()
    assert fleet.round() == ("one",)
    fleet.states["other"] = "left"
    fleet.now += 2 * LONGEST_PAUSE
    assert fleet.round() == ("other",)
    fleet.may_end.set()
    fleet.round()
    assert sorted(fleet.settled)[:2] == ["one", "other"]


@pytest.mark.parametrize("state", ["frozen", "drifted"])
def test_what_a_person_must_mend_is_shown_once_and_again_after_it_was_mended(state):
    fleet = Fleet(model=state)
    seen = [bool(fleet.round(audit=audit)) for audit in (True, False, True, False, True)]
    assert seen == [True, False, False, False, False]
    fleet.states["model"] = "nothing"
    fleet.round()
    fleet.states["model"] = state
    fleet.now += LONGEST_PAUSE
    assert fleet.round() == ("model",)


def test_what_never_ends_is_tried_ever_more_rarely_but_for_ever():
    fleet = Fleet(model="left")
    times = []
    while fleet.now < 4 * LONGEST_PAUSE:
        if fleet.round():
            times.append(fleet.now)
        fleet.now += LOOK_REAL_SECONDS
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert gaps[0] <= 2 * LOOK_REAL_SECONDS
    assert gaps == sorted(gaps)
    assert gaps[-1] == LONGEST_PAUSE


def test_one_broken_model_is_told_and_the_others_are_looked_after():
    fleet = Fleet(broken=InvalidModelSpec("model.yaml is no YAML.", "Correct it."), orphan="left")
    assert fleet.round() == ("broken", "orphan")
    assert any("model.yaml is no YAML" in line for line in fleet.lines)
    fleet.states.pop("orphan")
    fleet.now += LONGEST_PAUSE
    assert fleet.round() == (), "it was told"


def test_an_answer_that_aws_owes_us_is_waited_for():
    fleet = Fleet(model=AwsThrottled("GetObject is throttled.", "Wait."))
    assert fleet.round() == ()
    assert fleet.lines == []


def test_a_settling_that_fails_is_said_and_does_not_end_the_reconciler():
    fleet = Fleet(model="left")

    def fail(_model):
        raise RuntimeError("no disk")

    fleet.reconciler.settle = fail
    fleet.round()
    assert fleet.lines[-1] == "model: RuntimeError: no disk"
    fleet.reconciler.settle = fleet.settle
    fleet.now += LONGEST_PAUSE
    assert fleet.round() == ("model",)
