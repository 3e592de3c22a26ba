"""The reconciler: looks every few seconds, and runs the ``reconcile`` flow where there is work.

``python -m deployments.reconciler``, one process that stays: users of a dead release must not wait
for a schedule, a free slot of a worker and the start of Python, all of which a busy machine makes
long. A look costs a few reads. The flow runs in this process, so that each run that did something,
and no other, is seen in the Prefect UI; while the Prefect server is away, the same is done without
it. Two reconcilers, or one beside a run of the flow, do no harm: a release has one owner.
"""

from __future__ import annotations

import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, cast

from tasks.errors import SluiceError
from tasks.release.journal.record import Report

LOOK_REAL_SECONDS = 5.0
AUDIT_REAL_SECONDS = 60.0
"""How often AWS is asked whether what serves is still what the last release left."""
ALARMS_REAL_SECONDS = 60.0
"""How often the standing alarms are read back: CloudWatch is paid by the question."""
CHORES_REAL_SECONDS = 15.0
"""How often the queue of uploads and the running jobs are looked at; AWS limits such lists."""
LONGEST_PAUSE = 300.0
"""Real seconds between two tries at what does not come to an end; the first come at once."""

Say = Callable[[str], None]


@dataclass
class Reconciler:
    """Who is looked after now, and what people were told already.

    Args:
        models: Names of the models there are.
        status: What there is to do about one, with an audit of what serves or without; touches
            nothing.
        settle: Does it, and returns when it is done or cannot go on now.
        say: A line for the log.
    """

    models: Callable[[], Iterable[str]]
    status: Callable[[str, bool], Report]
    settle: Callable[[str], None]
    say: Say
    clock: Callable[[], float] = time.monotonic
    busy: dict[str, threading.Thread] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)
    tries: dict[str, int] = field(default_factory=dict)
    due: dict[str, float] = field(default_factory=dict)

    def round(self, *, audit: bool) -> tuple[str, ...]:
        """Look at every model, and begin to settle what wants it.

        Returns:
            The models that are being settled from now on.
        """
        free = [model for model in self.models() if self._free(model)]
        return tuple(model for model in free if self._wants(model, audit))

    def _free(self, model: str) -> bool:
        working = self.busy.get(model)
        return working is None or not working.is_alive()

    def _wants(self, model: str, audit: bool) -> bool:
        try:
            report = self.status(model, audit)
            state, sentence = report.state, f"{report.state}: {report.detail}"
        except SluiceError as error:
            if error.retryable:
                return False
            state, sentence = "frozen", str(error)
        if state in {"nothing", "alive"}:
            self.tries.pop(model, None)
            self.due.pop(model, None)
            if audit:
                self.told.pop(model, None)
            return False
        # What a person must mend is shown once, and again when it has become something else.
        if state in {"frozen", "drifted"} and self.told.get(model) == sentence:
            return False
        if self.clock() < self.due.get(model, -math.inf):
            return False
        self.told[model] = sentence
        self._begin(model, sentence)
        return True

    def _begin(self, model: str, sentence: str) -> None:
        tries = self.tries.get(model, 0)
        self.tries[model] = tries + 1
        self.due[model] = self.clock() + min(LONGEST_PAUSE, LOOK_REAL_SECONDS * 2**tries)
        self.say(f"{model} {sentence}")
        self.busy[model] = threading.Thread(
            target=self._settle, args=(model,), name=f"settle-{model}", daemon=True
        )
        self.busy[model].start()

    def _settle(self, model: str) -> None:
        try:
            self.settle(model)
        except Exception as error:  # noqa: BLE001  the next look finds what is still to be done
            self.say(f"{model}: {type(error).__name__}: {error}")


def main() -> int:
    """Look until told to stop."""
    end = threading.Event()

    def stop(_sign: int, _frame: FrameType | None) -> None:
        end.set()

    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, stop)
    say("looking after all models")
    for name, work in {"chores": _chores, "alarms": _alarms}.items():
        threading.Thread(target=work, args=(end,), name=name, daemon=True).start()
    reconciler = here()
    last_audit = -math.inf
    while not end.is_set():
        audit = time.monotonic() >= last_audit + AUDIT_REAL_SECONDS
        last_audit = time.monotonic() if audit else last_audit
        reconciler.round(audit=audit)
        end.wait(LOOK_REAL_SECONDS)
    return 0


def here() -> Reconciler:
    """The reconciler of this installation."""
    from tasks.model_spec import known_models
    from tasks.registry import Registry
    from tasks.release import ReleaseContext, status
    from tasks.settings import settings

    context = ReleaseContext.here(Registry.here())
    return Reconciler(
        models=lambda: known_models(settings().models_dir),
        status=lambda model, audit: status(context, model, audit=audit),
        settle=settle,
        say=say,
    )


def settle(model: str) -> None:
    """Run the flow; without a Prefect server, its task alone."""
    from prefect import State

    from flows.reconcile import reconcile
    from tasks.registry import Registry
    from tasks.release.tasks import context_of
    from tasks.release.tasks import reconcile as look_after

    if prefect_answers():
        state = cast("State[Any]", reconcile(model, return_state=True))
        say(f"{model}: {state.name}: {state.message}")
        return
    report = look_after.fn(context_of(Registry.here()), model)
    say(f"{model}, without the Prefect server: {report.state}: {report.detail}")


def prefect_answers(seconds: float = 5.0) -> bool:
    """Whether the Prefect server is there."""
    import httpx
    from prefect.settings import get_current_settings

    url = get_current_settings().api.url
    if not url:
        return False
    try:
        return httpx.get(f"{url}/health", timeout=seconds).is_success
    except httpx.HTTPError:
        return False


def _chores(end: threading.Event) -> None:
    """Announce uploads, stop jobs that nobody pays for, offer new models in the forms."""
    from tasks.training.tasks import stop_orphans
    from tasks.uploads.tasks import listen

    _in_turn(
        end,
        {"uploads": listen.fn, "orphans": stop_orphans.fn, "forms": forms_as_the_folder()},
    )


def _alarms(end: threading.Event) -> None:
    """Keep the standing alarms: a CloudWatch that hangs holds back none of the other chores."""
    _in_turn(end, {"alarms": alarms_as_wanted()})


def _in_turn(end: threading.Event, chores: Mapping[str, Callable[[], Iterable[str]]]) -> None:
    """One chore after the other, again and again; trouble is said once, and stops no other."""
    trouble: dict[str, str] = {}
    while not end.wait(CHORES_REAL_SECONDS):
        for name, chore in chores.items():
            try:
                for line in chore():
                    say(line)
                trouble.pop(name, None)
            except Exception as error:  # noqa: BLE001  whatever it is, the next round tries again
                sentence = f"{name}: {type(error).__name__}: {error}"
                if trouble.get(name) != sentence:
                    say(sentence)
                trouble[name] = sentence


def alarms_as_wanted(clock: Callable[[], float] = time.monotonic) -> Callable[[], Iterable[str]]:
    """A chore that now and then puts the standing alarms of every model right.

    What is done is said at once. A model in trouble stops no other, and what is wrong with it is
    told at the end, as one fault; an AWS that does not answer ends the look.
    """
    from functools import partial

    from tasks.model_spec import known_models
    from tasks.registry import Registry
    from tasks.release import ReleaseContext
    from tasks.release.standing import keeping
    from tasks.settings import settings

    def keep_one(model: str, read: keeping.Standing) -> Iterator[str]:
        if said := keeping.keep(context, model, read):
            yield said

    context = ReleaseContext.here(Registry.here())
    due = [-math.inf]

    def chore() -> list[str]:
        if clock() < due[0]:
            return []
        due[0] = clock() + ALARMS_REAL_SECONDS
        known, read = known_models(settings().models_dir), keeping.every()
        kept: dict[str, Callable[[], Iterable[str]]] = {
            model: partial(keep_one, model, read) for model in known
        }
        kept["models that are gone"] = partial(keeping.sweep, context, known, read)
        faults = []
        for whose, keep in kept.items():
            try:
                for line in keep():
                    say(line)
            except Exception as error:  # noqa: BLE001  one model's fault is not another's
                faults.append(f"{whose}: {type(error).__name__}: {error}")
                if isinstance(error, SluiceError) and error.retryable:
                    break
        if faults:
            raise RuntimeError("; ".join(faults))
        return []

    return chore


def forms_as_the_folder() -> Callable[[], Iterable[str]]:
    """A chore that rewrites the forms' menus when a folder of models or contracts has changed."""
    from flows.forms import choices, refresh_forms
    from tasks.model_spec import known_models
    from tasks.settings import settings

    offer: list[tuple[object, ...]] = []

    def chore() -> list[str]:
        configuration = settings()
        contracts = sorted(
            (path.name, path.stat().st_mtime_ns)
            for path in configuration.contracts_dir.glob("*.yaml")
        )
        folders = (known_models(configuration.models_dir), *contracts)
        if [folders] == offer or not prefect_answers():
            return []
        forms = refresh_forms(choices(configuration))
        offer[:] = [folders]
        return [f"the form of {form} offers what the folders hold now" for form in forms]

    return chore


def say(line: str) -> None:
    """One line of the log."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
