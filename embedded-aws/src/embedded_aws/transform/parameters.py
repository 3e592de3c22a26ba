"""How many records go into a request, and how many requests at once: asked for, or the model's own.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-batch-code.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MOST_MEGABYTES = 100
"""Of one payload, and of all that are under way to one instance."""
MEGABYTE = 1 << 20
MULTI_RECORD, SINGLE_RECORD = "MULTI_RECORD", "SINGLE_RECORD"
_STRATEGIES = {"MultiRecord": MULTI_RECORD, "SingleRecord": SINGLE_RECORD}


@dataclass(frozen=True)
class Parameters:
    """What a job holds to.

    Args:
        concurrent: Requests at once to one instance.
        megabytes: Largest payload.
        strategy: ``MULTI_RECORD`` or ``SINGLE_RECORD``, as containers know them.
    """

    concurrent: int = 1
    megabytes: int = 6
    strategy: str = MULTI_RECORD

    @property
    def limit(self) -> int:
        """Largest payload, in bytes."""
        return self.megabytes * MEGABYTE

    def __str__(self) -> str:
        return (
            f"MaxConcurrentTransforms={self.concurrent}, MaxPayloadInMB={self.megabytes}, "
            f"BatchStrategy={self.strategy}"
        )


def asked_for(request: Mapping[str, Any]) -> dict[str, Any]:
    """The members of :class:`Parameters` that ``CreateTransformJob`` names."""
    strategy = _STRATEGIES.get(request.get("BatchStrategy", ""))
    return _named(request.get("MaxConcurrentTransforms"), request.get("MaxPayloadInMB"), strategy)


def settled(request: Mapping[str, Any], answer: bytes) -> Parameters:
    """What holds: the request's own, then the model's, then the defaults.

    Args:
        request: Members of ``CreateTransformJob``.
        answer: What the model said to ``GET /execution-parameters``. Anything but a JSON object
            with the documented keys says nothing: many programs answer every GET alike.
    """
    return Parameters(**{**_models_own(answer), **asked_for(request)})


def variables(request: Mapping[str, Any]) -> dict[str, str]:
    """The environment variables by which a container knows that it transforms.

    Those of the parameters are there only where the request names them.
    """
    asked = asked_for(request)
    names = {
        "concurrent": "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS",
        "megabytes": "SAGEMAKER_MAX_PAYLOAD_IN_MB",
        "strategy": "SAGEMAKER_BATCH_STRATEGY",
    }
    return {"SAGEMAKER_BATCH": "true", **{names[key]: str(value) for key, value in asked.items()}}


def _models_own(answer: bytes) -> dict[str, Any]:
    try:
        told = json.loads(answer)
    except ValueError:
        return {}
    if not isinstance(told, dict):
        return {}
    strategy = told.get("BatchStrategy")
    return _named(
        _count(told.get("MaxConcurrentTransforms")),
        _count(told.get("MaxPayloadInMB")),
        strategy if strategy in _STRATEGIES.values() else None,
    )


def _named(concurrent: int | None, megabytes: int | None, strategy: str | None) -> dict[str, Any]:
    """Those that say something; no requests at once leaves the choice to the model."""
    members = {"concurrent": concurrent, "megabytes": megabytes, "strategy": strategy}
    return {name: value for name, value in members.items() if value}


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
