from hypothesis import given
from hypothesis import strategies as st

from tasks.training.outcomes import ModelOutcome, account, outcomes_page

GOOD = ModelOutcome(
    model="good",
    run="1",
    state="Completed",
    message="good v2: serves alone",
    ended=True,
    decided=True,
    serves="v2",
    since="2026-01-04T02:10:00+00:00",
)
REJECTED = GOOD.model_copy(update={"model": "weak", "state": "Rejected", "message": "mae 3 > 2"})
CRASHED = ModelOutcome(model="lost", run="3", state="Crashed", message="No heartbeat", ended=True)
RUNNING = ModelOutcome(model="slow", run="4", state="Running")


def test_those_that_need_a_person_are_named_first():
    told = account([GOOD, REJECTED, CRASHED])
    assert told.startswith("Needs a person: lost (Crashed: No heartbeat). 3 of 3 models: ")
    assert told.endswith("1 Completed, 1 Crashed, 1 Rejected.")
    page = outcomes_page([GOOD, REJECTED, CRASHED])
    assert page.index("lost") < page.index("good") < page.index("weak")
    assert "**Crashed**" in page
    assert "nothing" in page, "of the model of which no version serves"
    assert "2026-01-04 02:10:00 UTC" in page


def test_what_the_pipeline_decided_needs_nobody():
    assert account([GOOD, REJECTED]) == "2 of 2 models: 1 Completed, 1 Rejected."
    assert outcomes_page([GOOD, RUNNING]).startswith("# Ended: 1 of 2 models")
    assert account([]) == "No model was to be retrained."


@given(st.text())
def test_no_message_breaks_the_table(message):
    lines = outcomes_page([GOOD.model_copy(update={"message": message})]).splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) >= 3
    assert len({line.replace("\\|", "").count("|") for line in rows}) == 1
