"""All variants that stand for one endpoint config, from their start to their retirement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from embedded_aws.hosting.fleet.capture import Capture
from embedded_aws.hosting.fleet.routes import Lane
from embedded_aws.hosting.fleet.shadow import Mirror, Serve
from embedded_aws.hosting.fleet.variant import Numbers, Variant, _together
from embedded_aws.hosting.shared import SharedState

ASYNC = "AsyncInferenceConfig"
ASYNC_PATIENCE = 3_660.0
"""Real seconds that asynchronous invocations are given to finish: an hour is the longest."""


class Generation:
    """One fleet.

    Args:
        shared: What all variants share.
        endpoint: Name of the endpoint.
        config: The stored endpoint config.
        containers: Container definition of each model, by model name.
        numbers: Weight and count of each variant, by name, where they differ from the config's.
        data_capture: The ``DataCaptureConfig`` in force; None for no capture.
    """

    def __init__(
        self,
        shared: SharedState,
        endpoint: str,
        config: Mapping[str, Any],
        containers: Mapping[str, Mapping[str, Any]],
        numbers: Mapping[str, Numbers],
        data_capture: Mapping[str, Any] | None,
    ) -> None:
        self.config = config
        self.config_name: str = config["EndpointConfigName"]
        self.data_capture = data_capture
        self.asynchronous = ASYNC in config
        self.capture: Capture | None = None
        if data_capture and data_capture.get("EnableCapture", True):
            self.capture = Capture(
                endpoint, data_capture, shared.world.clock, lambda: shared.client("s3")
            )

        def build(spec: Mapping[str, Any]) -> Variant:
            own = numbers.get(spec["VariantName"]) or configured(spec)
            patience = ASYNC_PATIENCE if self.asynchronous else None
            return Variant(shared, endpoint, spec, containers[spec["ModelName"]], own, patience)

        self.production = {s["VariantName"]: build(s) for s in config["ProductionVariants"]}
        self.shadow = {
            s["VariantName"]: build(s) for s in config.get("ShadowProductionVariants", [])
        }
        self.mirrors: tuple[tuple[float, Mirror], ...] = ()

    @property
    def instances(self) -> int:
        """Instances of the production variants."""
        return sum(one.numbers.current_count for one in self.production.values())

    @property
    def variants(self) -> dict[str, Variant]:
        """Production and shadow variants by name."""
        return {**self.production, **self.shadow}

    def start(self) -> None:
        """Start all variants side by side.

        Raises:
            VariantFailedError: naming the variant and why.
        """
        _together([lambda v=v: _start(v) for v in self.variants.values()])

    def open_mirrors(self, serve: Serve) -> None:
        """Begin (or, after a change of weights, go on) mirroring to the shadow variants.

        A shadow gets the part of the traffic that its weight is of the production weights' sum.
        """
        total = sum(v.numbers.current_weight for v in self.production.values())
        mirrors = {mirror.variant.name: mirror for _, mirror in self.mirrors}
        self.mirrors = tuple(
            (
                min(1.0, shadow.numbers.current_weight / total) if total > 0 else 0.0,
                mirrors.get(name) or Mirror(shadow, serve),
            )
            for name, shadow in self.shadow.items()
        )

    def lane(self, share: float) -> Lane[tuple[Generation, Variant]]:
        """This generation's lane in the routing table."""
        return Lane(
            share,
            {
                name: (variant.numbers.current_weight, (self, variant))
                for name, variant in self.production.items()
            },
        )

    def retire(self, *, drain: bool = True, patience: float | None = None) -> None:
        """End everything; requests in flight are finished first when ``drain``.

        Args:
            drain: See above.
            patience: Real seconds that they are given; by default as the variants have it.
        """
        mirrors, self.mirrors = self.mirrors, ()
        for _, mirror in mirrors:
            mirror.close()
        retiring = self.variants.values()
        _together([lambda v=v: v.retire(drain=drain, patience=patience) for v in retiring])
        if self.capture is not None:
            self.capture.flush()


class VariantFailedError(Exception):
    """A variant did not start; ``error`` says why."""

    def __init__(self, variant: str, error: Exception) -> None:
        super().__init__(variant)
        self.variant = variant
        self.error = error


def configured(spec: Mapping[str, Any]) -> Numbers:
    """Weight and count as an endpoint config's variant says."""
    weight = float(spec.get("InitialVariantWeight", 1.0))
    count = int(spec.get("InitialInstanceCount") or 1)
    return Numbers(weight, weight, count, count)


def _start(variant: Variant) -> None:
    try:
        variant.start()
    except Exception as error:
        raise VariantFailedError(variant.name, error) from error
