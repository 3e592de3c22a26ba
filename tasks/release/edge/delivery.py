"""Users' own devices: what is read and done at the registry, the CDN and CloudWatch. Thin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tasks.clock import system_clock
from tasks.model_spec import ModelSpec
from tasks.release.context import ReleaseContext
from tasks.release.delivery import Outcome
from tasks.release.edge import acts, alarms, windows
from tasks.release.edge.rules import EdgeRules
from tasks.release.edge.switch import withdraw
from tasks.release.journal.record import Journal
from tasks.release.machine.actions import Action
from tasks.release.machine.observed import ObservedState
from tasks.release.machine.plan import Facts
from tasks.release.observation import latency_edges, outside, traffic
from tasks.release.observation.state import lately, with_alarms, with_pointer
from tasks.values import Pointer


class EdgeDelivery:
    """See `tasks.release.delivery.Delivery`."""

    rules = EdgeRules()
    monitored = False  # devices report while a release is under way

    def facts(self, context: ReleaseContext, spec: ModelSpec) -> Facts:
        """The pointer, and what users' devices report of the version that it names."""
        pointer = context.registry.pointer(spec.name)
        told: Mapping[str, tuple[float, ...]] = {}
        if pointer is not None:
            space = context.site.metrics_namespace
            of_version = windows.dimensions(spec.name, pointer.version)
            asked = (
                *latency_edges.questions(space, windows.LATENCY, of_version),
                *traffic.questions(space, windows.REQUESTS, of_version),
            )
            week = traffic.of_the_week(space, windows.REQUESTS, of_version)
            told = {
                **lately(context, spec.name, asked),
                **lately(context, spec.name, week, traffic.WEEK_SECONDS),
            }
        return Facts(
            pointer=pointer,
            endpoint=None,
            latency_quantiles={level: told.get(level, ()) for level in latency_edges.LEVELS},
            requests_per_second=traffic.busiest(told),
            busiest_hour=traffic.peak(told),
        )

    def observe(self, context: ReleaseContext, journal: Journal) -> ObservedState:
        """The pointer and the alarms."""
        return with_alarms(context, journal, with_pointer(context, journal, None))

    def perform(self, context: ReleaseContext, journal: Journal, action: Action) -> Outcome | None:
        """See `acts`."""
        return acts.perform(context, journal, action)

    def alarms(self, journal: Journal) -> Sequence[Mapping[str, Any]]:
        """On what clients report."""
        return alarms.requests(journal)

    def queries(self, journal: Journal) -> Sequence[Mapping[str, Any]]:
        """Of what clients report."""
        return windows.queries(journal)

    def withdraw(self, journal: Journal, actor: str, reason: str) -> str:
        """The pointer shows the candidate to nobody."""
        from tasks.settings import settings

        return withdraw(
            settings().registry_bucket,
            settings().distribution_id,
            journal.model,
            journal.candidate.version,
            actor,
            reason,
            system_clock().now(),
        )

    def drift(self, context: ReleaseContext, journal: Journal, pointer: Pointer | None) -> str:
        """A rollout that no release answers for, or a CDN that serves another pointer."""
        if pointer is None:
            return ""
        if pointer.rollout is not None:
            return (
                f"the pointer shows {pointer.rollout.version} to {pointer.rollout.percent} % of "
                "the users, but no release is under way: roll_back withdraws it"
            )
        return outside.stale(context, journal.model, pointer)

    def where(self, _spec: ModelSpec) -> str:
        """Nobody of ours answers."""
        return "users' own devices"
