"""Names at SageMaker, made from content, so that a repeated call finds its own work. Pure."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from tasks.values import fingerprint

LONGEST_STEM = 27
VARIANT = r"v[0-9][0-9A-Za-z-]*"


def variant_of(version: str) -> str:
    """``v20260131_020000`` → ``v20260131-020000``; ``1.4.0`` → ``v1-4-0``."""
    dashed = re.sub(r"[^0-9A-Za-z]+", "-", version).strip("-")
    return dashed if dashed.startswith("v") else f"v{dashed}"


def stem_of(model: str) -> str:
    """The model's part of a name; a long one is cut and told apart by a hash."""
    if len(model) <= LONGEST_STEM:
        return model
    return f"{model[:20].rstrip('-')}-{hashlib.sha256(model.encode()).hexdigest()[:6]}"


def resource(model: str, variant: str, content: Any) -> str:
    """Name of a SageMaker model or endpoint configuration with this content (≤ 63 characters)."""
    return f"sluice-{stem_of(model)}-{variant[:20].rstrip('-')}-{fingerprint(content)[:8]}"


def is_ours(name: str, model: str) -> bool:
    """Whether a SageMaker name was made here for this very model."""
    return (
        re.fullmatch(rf"sluice-{re.escape(stem_of(model))}-{VARIANT}-[0-9a-f]{{8}}", name)
        is not None
    )


def captures_prefix(model: str, config: str) -> str:
    """Where the traffic that a configuration mirrors is captured, in the work bucket."""
    return f"captures/{model}/{config}/"


def alarm_prefix(model: str, variant: str) -> str:
    """How the names of a release's alarms begin."""
    return f"sluice-release-{model}-{variant}-"
