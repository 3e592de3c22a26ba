"""What became of several retrainings that ran beside each other: one page, one sentence. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tasks.reports.figures import counted
from tasks.reports.markdown import plain, table
from tasks.reports.moments import moment_of
from tasks.values import Frozen


class ModelOutcome(Frozen):
    """How one model's run stands.

    Attributes:
        state: The run's state, as the UI names it: ``Running``, ``Completed``, ``Rejected`` ...
        message: What the run says of its end.
        ended: Whether it has ended.
        decided: Whether it ended by a decision of the pipeline, whichever.
        serves: The version that serves now; "" when none does.
        since: When that version began to serve.
    """

    model: str
    run: str
    state: str
    message: str = ""
    ended: bool = False
    decided: bool = False
    serves: str = ""
    since: str = ""

    @property
    def needs_a_person(self) -> bool:
        """Whether the run ended and decided nothing: it failed, crashed or was cancelled."""
        return self.ended and not self.decided


def account(outcomes: Sequence[ModelOutcome]) -> str:
    """What became of all, in a sentence; those that need a person come first."""
    if not outcomes:
        return "No model was to be retrained."
    states = Counter(outcome.state for outcome in outcomes)
    counts = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    wrong = [f"{o.model} ({o.state}: {o.message})" for o in outcomes if o.needs_a_person]
    calls = f"Needs a person: {'; '.join(wrong)}. " if wrong else ""
    ended = sum(outcome.ended for outcome in outcomes)
    return f"{calls}{ended} of {len(outcomes)} models: {counts}."


def outcomes_page(outcomes: Sequence[ModelOutcome]) -> str:
    """The page of the run around them: which model, what happened, what serves now."""
    ended = sum(outcome.ended for outcome in outcomes)
    rows = [
        (
            f"**{outcome.model}**",
            f"**{outcome.state}**" if outcome.needs_a_person else outcome.state,
            plain(outcome.message) if outcome.message else "",
            outcome.serves or "nothing",
            moment_of(outcome.since) if outcome.since else "",
        )
        for outcome in sorted(outcomes, key=lambda o: (not o.needs_a_person, o.model))
    ]
    return "\n\n".join(
        (
            f"# Ended: {ended} of {counted(len(outcomes), 'model')}",
            table(("model", "run", "what happened", "serves now", "since"), rows),
            "Each run has pages of its own: **Runs → its name → Artifacts**.",
        )
    )
