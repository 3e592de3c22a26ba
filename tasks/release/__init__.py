"""Release stage: decide, move and prove. See docs/release.md.

The verbs need no Prefect::

    context = ReleaseContext.here(Registry.here())
    start_release(context, model, version, actor, reason)
    while not (step := advance(context, model)).ended:
        context.clock.sleep(step.wake_in)

The rooms: ``journal`` (what is remembered, and who may write), ``machine`` (what to do next; pure),
``observation`` (what is observed, and the analysis of it), ``endpoint`` and ``edge`` (the two
deliveries, see `delivery`), ``hosting`` (what SageMaker is asked), ``pages`` (what people read).
The judge itself is `tasks.judge`.

This package itself imports neither numpy nor boto3; the verbs bring their own when called.
"""

from tasks.release.context import ReleaseContext
from tasks.release.journal.record import Journal, Report, StepResult
from tasks.release.reconcile import reconcile, status
from tasks.release.verbs import advance, answer, release_version, roll_back, run, start_release

__all__ = [
    "Journal",
    "ReleaseContext",
    "Report",
    "StepResult",
    "advance",
    "answer",
    "reconcile",
    "release_version",
    "roll_back",
    "run",
    "start_release",
    "status",
]
