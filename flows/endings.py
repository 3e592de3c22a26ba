"""How a run ends: which state each verdict becomes, in one place.

Red (``Failed``) is what a person must act on. What the pipeline decided by itself, with users safe,
is a state of its own, of Prefect's type COMPLETED: a candidate that its gate ``Rejected``, or found
``Inconclusive``, a release that was ``RolledBack``, a run that found another release under way
(``Superseded``). None of them is a success for whoever asked for the release: see `released`.
"""

from __future__ import annotations

from typing import Any

from prefect import State
from prefect.states import Completed, Failed

from tasks.errors import GateInconclusive, GateRejected, ReleaseInProgress
from tasks.gates.decide import require_pass
from tasks.gates.rows.judge import require_sound_rows
from tasks.release import Journal
from tasks.values import Verdict

REJECTED = "Rejected"
INCONCLUSIVE = "Inconclusive"
ROLLED_BACK = "RolledBack"
SUPERSEDED = "Superseded"
OWN = frozenset({REJECTED, INCONCLUSIVE, ROLLED_BACK, SUPERSEDED})


def of_gate(verdict: Verdict) -> State[Any] | None:
    """The end of a run whose candidate did not pass its gate; None when it did.

    An inconclusive one is kept from users and not remembered as refused: with more held-out rows,
    or by a person's word, the same candidate may pass.

    Raises:
        GateUndecided: the gate came to no judgement, so that a person must look.
    """
    try:
        require_pass(verdict)
    except GateRejected as error:
        return rejected(error)
    except GateInconclusive as error:
        return inconclusive(error)
    return None


def of_rows(model: str, verdict: Verdict) -> State[Any] | None:
    """The end of a run whose rows are not learned from; None when they are.

    It is not remembered: who corrects the rows, or model.yaml, just runs again.
    """
    try:
        require_sound_rows(model, verdict)
    except GateRejected as error:
        return rejected(error)
    return None


def rejected(error: GateRejected) -> State[Any]:
    """The end of a run whose candidate is not good enough; the champion goes on serving."""
    return Completed(name=REJECTED, message=str(error))


def inconclusive(error: GateInconclusive) -> State[Any]:
    """The end of a run whose held-out rows do not show whether its candidate is good enough."""
    return Completed(name=INCONCLUSIVE, message=str(error))


def of_release(journal: Journal) -> State[Any]:
    """The end of a run that put a version before users.

    Rolled back with a stable version serving is an answer; with nothing serving, or frozen, a
    person must act.
    """
    sentence = f"{journal.model} {journal.candidate.version}: {journal.verdict}"
    if journal.phase == "done":
        return Completed(message=sentence)
    if journal.phase == "rolled_back" and journal.stable is not None:
        return Completed(name=ROLLED_BACK, message=sentence)
    return Failed(message=sentence)


def of_rollback(journal: Journal) -> State[Any]:
    """The end of a run that put a version back."""
    sentence = f"{journal.model}: {journal.verdict}"
    return (
        Completed(message=sentence) if journal.phase == "rolled_back" else Failed(message=sentence)
    )


def superseded(error: ReleaseInProgress) -> State[Any]:
    """The end of a run that found another release under way."""
    return Completed(name=SUPERSEDED, message=str(error))


def released(state: State[Any]) -> bool:
    """Whether a release's state says that its version serves."""
    return state.is_completed() and state.name not in OWN


def passed_on(state: State[Any]) -> State[Any]:
    """The same end for the run around it, which then ends with the same words."""
    sentence = state.message or str(state.name)
    if state.is_completed():
        return Completed(name=state.name, message=sentence)
    return Failed(message=sentence)
