"""``AsyncInferenceConfig`` of an endpoint config: what is refused of it, and what it settles. Pure.

The topics that it names are looked up elsewhere: that takes SNS.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from embedded_aws.hosting.asynchronous.places import PlaceError, place_of
from embedded_aws.hosting.fleet.generation import ASYNC
from embedded_aws.protocol.service import AwsFault

MEMBER = ASYNC
DEFAULT_CONCURRENCY = 4
"""What "SageMaker chooses" where nobody says ``MaxConcurrentInvocationsPerInstance``."""
_TOPICS = {
    "SUCCESS_NOTIFICATION_TOPIC": "SuccessTopic",
    "ERROR_NOTIFICATION_TOPIC": "ErrorTopic",
}
_PATHS = ("S3OutputPath", "S3FailurePath")


def is_asynchronous(config: Mapping[str, Any]) -> bool:
    """Whether endpoints of this config receive asynchronous invocations, and no others."""
    return MEMBER in config


def concurrency(config: Mapping[str, Any]) -> int:
    """How many invocations one instance is given at once."""
    client = config[MEMBER].get("ClientConfig") or {}
    return int(client.get("MaxConcurrentInvocationsPerInstance") or DEFAULT_CONCURRENCY)


def output_of(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """``OutputConfig``."""
    output: Mapping[str, Any] = config[MEMBER]["OutputConfig"]
    return output


def topic_of(output: Mapping[str, Any], *, success: bool) -> tuple[str, bool]:
    """The topic that an outcome is told to, "" for none, and whether the response goes with it."""
    notification = output.get("NotificationConfig") or {}
    kind = f"{'SUCCESS' if success else 'ERROR'}_NOTIFICATION_TOPIC"
    included = kind in (notification.get("IncludeInferenceResponseIn") or ())
    return str(notification.get(_TOPICS[kind]) or ""), included


def topics_in(params: Mapping[str, Any]) -> dict[str, str]:
    """Topics that a CreateEndpointConfig names, by member."""
    if not is_asynchronous(params):
        return {}
    notification = output_of(params).get("NotificationConfig") or {}
    return {name: notification[name] for name in _TOPICS.values() if notification.get(name)}


def check(params: Mapping[str, Any]) -> None:
    """Refuse what cannot be together with asynchronous inference, and places that are none.

    Args:
        params: Members of CreateEndpointConfig, valid by the API's model.

    Raises:
        AwsFault: ``ValidationException``.
    """
    if not is_asynchronous(params):
        return
    _check_company(params)
    output = output_of(params)
    for member in _PATHS:
        if member in output:
            if not output[member].isascii():  # it is told in a header
                raise _invalid(f"{member} of {MEMBER} must be ASCII, got {output[member]}")
            try:
                place_of(output[member])
            except PlaceError as error:
                raise _invalid(f"{member} of {MEMBER}: {error}") from None
    notification = output.get("NotificationConfig") or {}
    for kind in notification.get("IncludeInferenceResponseIn") or ():
        if not notification.get(_TOPICS[kind]):
            raise _invalid(
                f"IncludeInferenceResponseIn names {kind}, but NotificationConfig has no "
                f"{_TOPICS[kind]}."
            )


def _check_company(params: Mapping[str, Any]) -> None:
    """An asynchronous endpoint has one variant, on instances, and nothing beside it."""
    production = params["ProductionVariants"]
    if params.get("ShadowProductionVariants"):
        raise _unsupported("ShadowProductionVariants are")
    if len(production) > 1:
        names = ", ".join(variant["VariantName"] for variant in production)
        raise _unsupported(f"Multiple ProductionVariants ({names}) are")
    if any("ServerlessConfig" in variant for variant in production):
        name = production[0]["VariantName"]
        raise _unsupported(f"ServerlessConfig (of production variant {name}) is")
    capture = params.get("DataCaptureConfig") or {"EnableCapture": False}
    if capture.get("EnableCapture", True):
        raise _unsupported("DataCaptureConfig is")


def _unsupported(what: str) -> AwsFault:
    return _invalid(f"{what} not supported when specifying an {MEMBER}.")


def _invalid(message: str) -> AwsFault:
    return AwsFault("ValidationException", message)
