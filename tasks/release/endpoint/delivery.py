"""A SageMaker endpoint: what is read and done there and at CloudWatch. Thin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tasks.clock import system_clock
from tasks.model_spec import ModelSpec
from tasks.release.context import ReleaseContext
from tasks.release.delivery import Outcome
from tasks.release.endpoint import acts
from tasks.release.endpoint.rules import EndpointRules
from tasks.release.hosting import requests
from tasks.release.hosting.names import variant_of
from tasks.release.hosting.sagemaker import SageMaker
from tasks.release.journal.record import Journal, Phase
from tasks.release.machine.actions import Action
from tasks.release.machine.observed import ObservedState
from tasks.release.machine.plan import Facts
from tasks.release.observation import latency_edges, outside, traffic, windows
from tasks.release.observation.state import lately, with_alarms, with_pointer
from tasks.values import Pointer

DEPLOYS: frozenset[Phase] = frozenset({"shadow", "bring_up", "retiring", "rolling_back"})


class EndpointDelivery:
    """See `tasks.release.delivery.Delivery`."""

    rules = EndpointRules()
    monitored = True

    def facts(self, context: ReleaseContext, spec: ModelSpec) -> Facts:
        """Pointer, endpoint, and the models and the environment behind its variants."""
        endpoint = context.cloud.endpoint(spec.endpoint_name)
        models = context.cloud.config_models(endpoint.config) if endpoint else {}
        environment = {}
        if len(models) == 1:
            container = context.cloud.model_container(next(iter(models.values())))
            environment = dict(container.get("Environment", {}))
        told = self._lately(context, spec, models)
        return Facts(
            pointer=context.registry.pointer(spec.name),
            endpoint=endpoint,
            variant_models=models,
            stable_environment=environment,
            latency_quantiles={
                level: tuple(value / windows.MICROSECONDS for value in told.get(level, ()))
                for level in latency_edges.LEVELS
            },
            requests_per_second=traffic.busiest(told),
            busiest_hour=traffic.peak(told),
        )

    def _lately(
        self, context: ReleaseContext, spec: ModelSpec, models: Mapping[str, str]
    ) -> Mapping[str, tuple[float, ...]]:
        """Of the variant that serves alone; nothing where there is no such one."""
        if len(models) != 1:
            return {}
        served = {"EndpointName": spec.endpoint_name, "VariantName": next(iter(models))}
        asked = (
            *latency_edges.questions(windows.SAGEMAKER, "ModelLatency", served),
            *traffic.questions(windows.SAGEMAKER, windows.COUNTS["requests"], served),
        )
        requests = traffic.of_the_week(windows.SAGEMAKER, windows.COUNTS["requests"], served)
        return {
            **lately(context, spec.endpoint_name, asked),
            **lately(context, spec.endpoint_name, requests, traffic.WEEK_SECONDS),
        }

    def observe(self, context: ReleaseContext, journal: Journal) -> ObservedState:
        """Endpoint, pointer, alarms, and which parts exist."""
        endpoint = context.cloud.endpoint(journal.endpoint)
        observed = with_alarms(context, journal, with_pointer(context, journal, endpoint))
        if journal.phase not in DEPLOYS or (endpoint is not None and endpoint.busy):
            return observed
        arms = [arm for arm in (journal.candidate, journal.stable) if arm is not None]
        solo = {arm.solo_config for arm in arms}
        configs = {journal.both_config, journal.shadow_config, *solo} - {""}
        serves = endpoint is not None and endpoint.status != "Failed"
        wanted = {endpoint.config} if endpoint is not None and serves else set()
        if not configs - wanted:
            return observed
        return observed.model_copy(
            update={
                "configs": context.cloud.configs(configs),
                "models": context.cloud.models({arm.model_name for arm in arms}),
            }
        )

    def perform(self, context: ReleaseContext, journal: Journal, action: Action) -> Outcome | None:
        """See `acts`."""
        return acts.perform(context, journal, action)

    def alarms(self, journal: Journal) -> Sequence[Mapping[str, Any]]:
        """On the candidate's variant."""
        return requests.alarms(journal)

    def queries(self, journal: Journal) -> Sequence[Mapping[str, Any]]:
        """Of both variants."""
        return windows.queries(journal)

    def withdraw(self, journal: Journal, _actor: str, _reason: str) -> str:
        """The weights, where both versions serve side by side."""
        cloud = SageMaker(system_clock())
        endpoint = cloud.endpoint(journal.endpoint)
        stable, candidate = journal.stable, journal.candidate
        if endpoint is None or stable is None:
            return "there is no other version to take the traffic"
        if {stable.variant, candidate.variant} - set(endpoint.variants):
            return "the versions do not serve side by side"
        return cloud.set_weights(journal.endpoint, {stable.variant: 1.0, candidate.variant: 0.0})

    def drift(self, context: ReleaseContext, journal: Journal, pointer: Pointer | None) -> str:
        """An endpoint, or a CDN, that does not serve what the pointer names."""
        endpoint = context.cloud.endpoint(journal.endpoint)
        served = tuple(endpoint.variants) if endpoint else ()
        wanted = (variant_of(pointer.version),) if pointer else ()
        if served != wanted or (endpoint is not None and endpoint.status == "Failed"):
            return (
                f"the pointer names {wanted}, the endpoint serves {served}: somebody changed "
                "it by hand; roll_back with to_version repairs it"
            )
        return outside.stale(context, journal.model, pointer) if pointer else ""

    def where(self, spec: ModelSpec) -> str:
        """The endpoint by its name."""
        return f"endpoint {spec.endpoint_name}"
