"""Instance types of SageMaker: which there are, by the service model that boto3 brings."""

from __future__ import annotations

from difflib import get_close_matches
from functools import lru_cache
from typing import Literal

Scope = Literal["training", "inference", "processing"]
_SHAPES: dict[Scope, str] = {
    "training": "TrainingInstanceType",
    "inference": "ProductionVariantInstanceType",
    "processing": "ProcessingInstanceType",
}


@lru_cache(maxsize=3)
def known(scope: Scope) -> frozenset[str]:
    """Types that jobs (``training``, ``processing``) or endpoints (``inference``) may ask for."""
    # The loader only reads JSON files of the package: no client, no credentials, no network.
    from botocore.loaders import Loader

    model = Loader().load_service_model("sagemaker", "service-2")
    return frozenset(model["shapes"][_SHAPES[scope]]["enum"])


def fault_of(instance_type: str, scope: Scope) -> str:
    """What is wrong with a type, in words; "" for one that exists."""
    if instance_type in known(scope):
        return ""
    near = get_close_matches(instance_type, sorted(known(scope)), 3)
    hint = f"; near it: {', '.join(near)}" if near else ""
    return f"SageMaker has no instance type {instance_type!r} for {scope}{hint}"
