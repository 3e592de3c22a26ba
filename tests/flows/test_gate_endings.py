"""What becomes of a run whose candidate does not pass its gate."""

import pytest

from flows.endings import of_gate, of_rows, released
from tasks.errors import GateUndecided
from tasks.values import Check, Verdict


def verdict(*outcomes):
    return Verdict.of("m candidate", tuple(Check(name="mae", outcome=one) for one in outcomes))


def test_only_a_pass_goes_on():
    assert of_gate(verdict("pass")) is None


@pytest.mark.parametrize(
    ("outcomes", "name"),
    [(("pass", "fail", "inconclusive"), "Rejected"), (("pass", "inconclusive"), "Inconclusive")],
)
def test_what_does_not_pass_is_no_crash_and_no_release(outcomes, name):
    ended = of_gate(verdict(*outcomes))
    assert (ended.name, ended.is_completed(), released(ended)) == (name, True, False)
    assert "the champion goes on serving" in ended.message


@pytest.mark.parametrize("outcomes", [("error", "inconclusive"), ()])
def test_what_could_not_be_judged_is_red(outcomes):
    with pytest.raises(GateUndecided):
        of_gate(verdict(*outcomes))


def test_rows_that_fail_end_a_run_before_its_training_and_wake_nobody():
    assert of_rows("m", verdict("pass", "pass")) is None
    ended = of_rows("m", verdict("pass", "fail"))
    assert (ended.name, ended.is_completed(), released(ended)) == ("Rejected", True, False)
    assert ended.message.startswith("The rows of m are not learned from: mae: ")
    assert "Nothing was paid for" in ended.message
