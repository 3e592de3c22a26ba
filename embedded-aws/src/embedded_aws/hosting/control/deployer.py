"""Carries out what changes an endpoint: creation, update, change of weights, deletion.

Every operation runs on a thread of its own; the endpoint's status keeps a second one out. Traffic
is moved by swapping the routing table; only then are the variants that lost it retired, and those
finish what they have begun.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from embedded_aws.events import sagemaker as events
from embedded_aws.hosting.control.keeping import forget, keep_later
from embedded_aws.hosting.control.rollout import Plan
from embedded_aws.hosting.fleet.endpoint import Endpoint
from embedded_aws.hosting.fleet.generation import Generation, VariantFailedError
from embedded_aws.hosting.fleet.routes import Routes
from embedded_aws.hosting.process.artefact import ModelDataError
from embedded_aws.hosting.process.server import StartError
from embedded_aws.hosting.runtime import Runtime
from embedded_aws.hosting.shared import SharedState

log = logging.getLogger(__name__)

# Real seconds between two looks at alarms while an update bakes.
LOOK_SECONDS = 0.05
# Real seconds until a fleet that served before is tried again.
AGAIN_SECONDS = 15.0

NO_CAPACITY = (
    "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error. "
    "Please retry using a different ML instance type or after some time."
)
INTERNAL = "Request to service failed. If failure persists after retry, contact customer support."


class RollbackError(Exception):
    """The update must be undone; ``reason`` is what the endpoint will say, None for nothing."""

    def __init__(self, reason: str | None) -> None:
        super().__init__(reason)
        self.reason = reason


class Deployer:
    """Runs operations on endpoints.

    Args:
        shared: World, settings.
        runtime: Serves the copies for shadow variants.
        on_deleted: Told of an endpoint that is gone.
    """

    def __init__(
        self, shared: SharedState, runtime: Runtime, on_deleted: Callable[[Endpoint], None]
    ) -> None:
        self._shared = shared
        self._clock = shared.world.clock
        self._runtime = runtime
        self._on_deleted = on_deleted
        self._recovering: set[str] = set()

    def create(self, endpoint: Endpoint, generation: Generation) -> None:
        """Bring up a new endpoint; returns at once."""
        self._prepare(endpoint, generation)
        self._on_thread(endpoint, lambda: self._create(endpoint, generation))

    def update(self, endpoint: Endpoint, generation: Generation, plan: Plan) -> None:
        """Replace what serves; returns at once."""
        self._prepare(endpoint, generation)
        endpoint.rolling = plan.rolling
        self._on_thread(endpoint, lambda: self._update(endpoint, generation, plan))

    def reweigh(self, endpoint: Endpoint, targets: Mapping[str, Mapping[str, Any]]) -> None:
        """Change weights and instance counts by variant name; returns at once."""
        self._on_thread(endpoint, lambda: self._reweigh(endpoint, targets))

    def delete(self, endpoint: Endpoint) -> None:
        """Take an endpoint away; returns at once."""
        self._on_thread(endpoint, lambda: self._delete(endpoint))

    def recover(self, endpoint: Endpoint, pending: Generation | None, plan: Plan) -> None:
        """Let an endpoint of an earlier process serve again, then finish what it was at.

        An operation that had not come to its end begins again: a creation, an update with all its
        waits, a change of weights, a deletion. A rollback is over. Returns at once.

        Args:
            endpoint: With the fleet that served, which does not run yet.
            pending: The fleet that was to come.
            plan: How the traffic moves to it.
        """
        self._recovering.add(endpoint.name)
        if pending is not None and endpoint.status in {"Creating", "Updating"}:
            self._prepare(endpoint, pending)
        self._on_thread(endpoint, lambda: self._recover(endpoint, pending, plan))

    def recovering(self) -> list[str]:
        """Endpoints that do not serve yet since the embedded AWS began."""
        return sorted(self._recovering)

    def _recover(self, endpoint: Endpoint, pending: Generation | None, plan: Plan) -> None:
        try:
            if endpoint.status == "Deleting":
                self._delete(endpoint)
                return
            if endpoint.active is not None:
                self._serve_again(endpoint, endpoint.active)
        finally:
            self._recovering.discard(endpoint.name)
        if pending is not None and endpoint.status == "Creating":
            self._create(endpoint, pending)
        elif pending is not None and endpoint.status == "Updating":
            endpoint.rolling = plan.rolling
            self._update(endpoint, pending, plan)
        elif endpoint.status in {"Updating", "RollingBack"} and endpoint.active is not None:
            with endpoint.lock:
                for variant in endpoint.active.variants.values():
                    variant.numbers.current_weight = variant.numbers.desired_weight
                self._route(endpoint)
                self._settle(endpoint, "InService")

    def _serve_again(self, endpoint: Endpoint, generation: Generation) -> None:
        """Start what served, again and again as AWS replaces instances; until then it answers 503.

        It is given up only when something else serves, or everything ends.
        """
        with endpoint.lock:
            self._route(endpoint)
        while endpoint.active is generation:
            try:
                generation.start()
            except VariantFailedError as failed:
                log.warning(
                    "endpoint %s does not serve again: %s", endpoint.name, self._why(failed)
                )
                if self._shared.closing.wait(AGAIN_SECONDS):
                    return
                continue
            with endpoint.lock:
                generation.open_mirrors(self._runtime.mirrored(generation))
                self._route(endpoint)
            return

    def _prepare(self, endpoint: Endpoint, generation: Generation) -> None:
        now = self._clock.now()
        with endpoint.lock:
            endpoint.pending, endpoint.pending_since = generation, now
            endpoint.share, endpoint.rolling = 0.0, False
            endpoint.stage = ("Creating", now, "")

    def _create(self, endpoint: Endpoint, generation: Generation) -> None:
        try:
            self._bring_up(endpoint, generation)
        except RollbackError as failed:
            generation.retire(drain=False)
            with endpoint.lock:
                endpoint.pending = None
                endpoint.failure = failed.reason
                self._settle(endpoint, "Failed")
            return
        self._promote(endpoint, generation)

    def _update(self, endpoint: Endpoint, generation: Generation, plan: Plan) -> None:
        old = endpoint.active
        began = time.monotonic()
        try:
            self._bring_up(endpoint, generation)
            self._shift(endpoint, generation, plan, time.monotonic() - began)
        except RollbackError as failed:
            self._roll_back(endpoint, generation, failed.reason)
            return
        self._promote(endpoint, generation)
        if old is not None:
            old.retire()
        with endpoint.lock:
            self._settle(endpoint, "InService")

    def _bring_up(self, endpoint: Endpoint, generation: Generation) -> None:
        """Start all variants; a health check that fails never takes traffic.

        Raises:
            RollbackError: with the reason.
        """
        self._provision(endpoint)
        try:
            generation.start()
        except VariantFailedError as failed:
            raise RollbackError(self._why(failed)) from failed

    def _provision(self, endpoint: Endpoint) -> None:
        if self._shared.world.faults.take("capacity", endpoint.name):
            raise RollbackError(NO_CAPACITY)

    def _shift(self, endpoint: Endpoint, generation: Generation, plan: Plan, start: float) -> None:
        """Move the traffic step by step.

        The execution timeout counts the start of the processes in real seconds and the waits in
        virtual ones, as each of them passes.

        Raises:
            RollbackError: silently when an alarm goes off, with a reason when time is up.
        """
        deadline = None
        if plan.max_execution is not None:
            deadline = self._clock.now() + plan.max_execution - start
        generation.open_mirrors(self._runtime.mirrored(generation))
        for step in plan.steps:
            self._stage(endpoint, "ActivatingTraffic", f"{step.share:.0%} of the traffic")
            with endpoint.lock:
                endpoint.share = step.share
                self._route(endpoint)
            self._stage(endpoint, "Baking", f"{step.share:.0%} of the traffic")
            self._bake(endpoint, plan, step.bake, deadline)
        self._bake(endpoint, plan, plan.termination_wait, deadline)
        if self._shared.world.faults.take("silent_rollback", endpoint.name):
            raise RollbackError(None)

    def _bake(self, endpoint: Endpoint, plan: Plan, seconds: float, deadline: float | None) -> None:
        until = self._clock.now() + seconds
        alarms = self._shared.world.alarms
        while True:
            alarming = [name for name in plan.alarms if alarms.alarm_state(name) == "ALARM"]
            if alarming:
                log.info("%s rolls back: in alarm: %s", endpoint.name, ", ".join(alarming))
                raise RollbackError(None)
            now = self._clock.now()
            if deadline is not None and now > deadline:
                raise RollbackError(
                    "The deployment did not finish within MaximumExecutionTimeoutInSeconds."
                )
            if now >= until:
                return
            pause = min(LOOK_SECONDS, self._clock.real_seconds(until - now))
            if self._shared.closing.wait(pause):
                raise RollbackError(None)

    def _roll_back(self, endpoint: Endpoint, generation: Generation, reason: str | None) -> None:
        with endpoint.lock:
            endpoint.status = "RollingBack"
            endpoint.modified = self._clock.now()
            endpoint.share = 0.0
            self._route(endpoint)
            keep_later(self._shared, endpoint)
        generation.retire()
        with endpoint.lock:
            endpoint.pending, endpoint.failure = None, reason
            self._settle(endpoint, "InService")

    def _promote(self, endpoint: Endpoint, generation: Generation) -> None:
        """Give the generation all traffic and the endpoint's name."""
        with endpoint.lock:
            first = endpoint.active is None
            endpoint.active, endpoint.pending = generation, None
            endpoint.config_name = generation.config_name
            endpoint.share, endpoint.rolling = 0.0, False
            generation.open_mirrors(self._runtime.mirrored(generation))
            self._route(endpoint)
            if first:
                self._settle(endpoint, "InService")
            else:
                keep_later(self._shared, endpoint)
        for name, variant in generation.variants.items():
            if self._shared.world.faults.take("kill_variant", f"{endpoint.name}/{name}"):
                variant.kill()

    def _reweigh(self, endpoint: Endpoint, targets: Mapping[str, Mapping[str, Any]]) -> None:
        generation = endpoint.active
        if generation is None:
            return
        self._shared.closing.wait(self._clock.real_seconds(self._shared.settings.weights_seconds))
        counts: dict[str, int] = {}
        try:
            self._provision(endpoint)
            for name in targets:
                variant = generation.variants[name]
                if variant.serverless is None:
                    before = variant.numbers.current_count
                    variant.resize(variant.numbers.desired_count)
                    counts[name] = before
        except (RollbackError, ModelDataError, StartError) as error:
            self._undo_reweigh(endpoint, generation, targets, counts, error)
            return
        with endpoint.lock:
            for name in targets:
                numbers = generation.variants[name].numbers
                numbers.current_weight = numbers.desired_weight
            generation.open_mirrors(self._runtime.mirrored(generation))
            self._route(endpoint)
            self._settle(endpoint, "InService")

    def _undo_reweigh(
        self,
        endpoint: Endpoint,
        generation: Generation,
        targets: Mapping[str, Mapping[str, Any]],
        counts: Mapping[str, int],
        error: Exception,
    ) -> None:
        with endpoint.lock:
            endpoint.status, endpoint.modified = "RollingBack", self._clock.now()
        for name in targets:
            variant = generation.variants[name]
            numbers = variant.numbers
            if name in counts:
                variant.resize(counts[name])
            numbers.desired_weight = numbers.current_weight
            numbers.desired_count = numbers.current_count
        reason = error.reason if isinstance(error, RollbackError) else INTERNAL
        with endpoint.lock:
            endpoint.failure = reason
            self._settle(endpoint, "InService")

    def _delete(self, endpoint: Endpoint) -> None:
        with endpoint.lock:
            endpoint.routes = None
            generations = endpoint.generations
        for generation in generations:
            # An invocation that takes an hour does not keep its endpoint from being deleted.
            generation.retire(patience=self._shared.settings.drain_timeout)
        self._shared.logs.flush()
        self._shared.meters.forget(endpoint.name)
        forget(self._shared, endpoint)
        self._on_deleted(endpoint)

    def _give_up(self, endpoint: Endpoint) -> None:
        """After a bug of ours: what served goes on serving, what was to come is ended."""
        with endpoint.lock:
            generation, endpoint.pending, endpoint.share = endpoint.pending, None, 0.0
            endpoint.failure = INTERNAL
            if endpoint.active is not None:
                self._route(endpoint)
        if generation is not None:
            generation.retire()
        with endpoint.lock:
            self._settle(endpoint, "Failed" if endpoint.active is None else "InService")

    def _route(self, endpoint: Endpoint) -> None:
        """Make the routing table anew; the caller holds the endpoint's lock."""
        lanes = []
        if endpoint.active is not None:
            lanes.append(endpoint.active.lane(1.0 - endpoint.share))
        if endpoint.pending is not None and endpoint.share > 0:
            lanes.append(endpoint.pending.lane(endpoint.share))
        endpoint.routes = Routes(lanes)

    def _stage(self, endpoint: Endpoint, status: str, message: str) -> None:
        now = self._clock.now()
        with endpoint.lock:
            endpoint.stage = (status, now, message)
        self._shared.world.events.tell(events.endpoint_deployment(endpoint.describe(), now))

    def _settle(self, endpoint: Endpoint, status: str) -> None:
        endpoint.status, endpoint.modified = status, self._clock.now()
        keep_later(self._shared, endpoint)

    def _on_thread(self, endpoint: Endpoint, work: Callable[[], None]) -> None:
        def run() -> None:
            try:
                work()
            except Exception:
                log.exception("operation on endpoint %s failed", endpoint.name)
                self._give_up(endpoint)

        threading.Thread(target=run, name=f"deploy-{endpoint.name}", daemon=True).start()

    def _why(self, failure: VariantFailedError) -> str:
        """The failure's reason, told when the container's last lines can be read."""
        self._shared.logs.flush()
        return _reason(failure)


def _reason(failure: VariantFailedError) -> str:
    if isinstance(failure.error, StartError):
        return (
            f"The primary container for production variant {failure.variant} did not pass the ping "
            "health check. Please check CloudWatch logs for this endpoint."
        )
    if isinstance(failure.error, ModelDataError):
        return str(failure.error)
    log.error("variant %s failed", failure.variant, exc_info=failure.error)
    return INTERNAL
