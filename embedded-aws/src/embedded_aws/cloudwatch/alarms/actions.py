"""The actions that an alarm may be put with: whose ARNs, and of which region."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from embedded_aws.cloudwatch.alarms.model import ACTIONS_OF
from embedded_aws.protocol.service import AwsFault

# The services that CloudWatch acts through: "Alarm actions" in its user guide.
VENDORS = frozenset(
    {"sns", "autoscaling", "automate", "swf", "ssm", "ssm-incidents", "lambda", "aiops"}
)
_PARTS = 6


def check_actions(params: Mapping[str, Any], region: str) -> None:
    """Refuse actions that are no ARNs, of services that take none, or of another region.

    Raises:
        AwsFault: ``ValidationError``.
    """
    for member in ACTIONS_OF.values():
        for action in params.get(member, []):
            parts = action.split(":", _PARTS - 1)
            if len(parts) < _PARTS or parts[0] != "arn":
                raise _invalid(f"Invalid arn syntax: {action}")
            if parts[2] not in VENDORS:
                raise _invalid(f"Unsupported AWS vendor {parts[2]}")
            if parts[3] and parts[3] != region:
                raise _invalid(f"Invalid region {parts[3]} specified. Only {region} is supported.")


def _invalid(message: str) -> AwsFault:
    return AwsFault("ValidationError", message)
