"""Release stage: decide, move and prove. See docs/release.md.

The verbs need no Prefect::

    desk = Desk.here(Registry.here())
    start_release(desk, model, version, actor, reason)
    while not (step := advance(desk, model)).ended:
        desk.clock.sleep(step.wake_in)

The rooms: ``journal`` (what is remembered, and who may write), ``machine`` (what to do next; pure),
``observation`` (what is seen, and what the judge makes of it), ``endpoint`` and ``edge`` (the two
deliveries, see `delivery`), ``hosting`` (what SageMaker is asked), ``pages`` (what people read).
The judge itself is `tasks.judge`.

This package itself imports neither numpy nor boto3; the verbs bring their own when called.
"""

from tasks.release.desk import Desk
from tasks.release.journal.record import Journal, Report, StepResult
from tasks.release.reconcile import look, reconcile
from tasks.release.verbs import advance, answer, release_version, roll_back, run, start_release

__all__ = [
    "Desk",
    "Journal",
    "Report",
    "StepResult",
    "advance",
    "answer",
    "look",
    "reconcile",
    "release_version",
    "roll_back",
    "run",
    "start_release",
]
