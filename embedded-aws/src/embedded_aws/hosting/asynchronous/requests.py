"""InvokeEndpointAsync: what is asked, checked as the runtime checks it, and its places. Pure."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from embedded_aws.hosting.asynchronous.places import PlaceError, below, place_of
from embedded_aws.protocol.service import AwsFault
from embedded_aws.protocol.validation import validate_request

MOST_INLINE_BYTES = 128_000
MOST_INPUT_BYTES = 1 << 30
DEFAULT_TTL = 21_600
DEFAULT_TIMEOUT = 900
_PREFIX = "x-amzn-sagemaker-"
_MEMBERS = {
    f"{_PREFIX}content-type": "ContentType",
    f"{_PREFIX}accept": "Accept",
    f"{_PREFIX}custom-attributes": "CustomAttributes",
    f"{_PREFIX}inference-id": "InferenceId",
    f"{_PREFIX}inputlocation": "InputLocation",
    f"{_PREFIX}s3outputpathextension": "S3OutputPathExtension",
    f"{_PREFIX}filename": "Filename",
    f"{_PREFIX}requestttlseconds": "RequestTTLSeconds",
    f"{_PREFIX}invocationtimeoutseconds": "InvocationTimeoutSeconds",
}
_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)
_NUMBERS = frozenset({"RequestTTLSeconds", "InvocationTimeoutSeconds"})


@dataclass(frozen=True)
class Invocation:
    """One accepted invocation, as it is kept until it is over.

    Args:
        key: Name of its record: no other's, not of an endpoint that had this one's name before.
        endpoint: Name of the endpoint.
        number: Its place in the order of arrival.
        id: ``InferenceId``.
        received: Virtual unix time.
        expires: Virtual unix time from which on it is not begun any more.
        timeout: Real seconds that the model may take.
        input: Address of the payload; "" where it came along.
        inline: The payload that came along, in base64.
        content_type: ``ContentType``; "" for none.
        accept: ``Accept``; "" for none.
        custom_attributes: ``CustomAttributes``; "" for none.
        output: Address of the response; "" where none is stored.
        failure: Address of the response of a failure; "" where none is stored.
        config: ``OutputConfig`` of the endpoint when it was accepted.
    """

    key: str
    endpoint: str
    number: int
    id: str
    received: float
    expires: float
    timeout: float
    input: str
    inline: str
    content_type: str
    accept: str
    custom_attributes: str
    output: str
    failure: str
    config: Mapping[str, Any]

    def record(self) -> dict[str, Any]:
        """As it is kept."""
        return asdict(self)

    @property
    def payload(self) -> bytes:
        """The payload that came along."""
        return base64.b64decode(self.inline)

    def model_headers(self) -> dict[str, str]:
        """What the container is sent beside the payload."""
        headers = {
            "Content-Type": self.content_type,
            "Accept": self.accept,
            "X-Amzn-SageMaker-Custom-Attributes": self.custom_attributes,
            "X-Amzn-SageMaker-Inference-Id": self.id,
        }
        return {name: value for name, value in headers.items() if value}


def invocation(
    endpoint: str,
    headers: Mapping[str, str],
    body: bytes,
    output: Mapping[str, Any],
    now: float,
) -> Invocation:
    """What a request asks for; its number is still to be given.

    Args:
        endpoint: Name of the endpoint.
        headers: Header names in lower case.
        body: An inline payload, or nothing.
        output: ``OutputConfig`` of the endpoint.
        now: Virtual unix time.

    Raises:
        AwsFault: ``ValidationError``.
    """
    members = _members(endpoint, headers)
    validate_request("sagemaker-runtime", "InvokeEndpointAsync", members, "ValidationError")
    _check_payload(members, body)
    inference_id = members.get("InferenceId") or str(uuid.uuid4())
    # Java's \p{Print} is of US-ASCII.
    if inference_id[0].isspace() or not (inference_id.isascii() and inference_id.isprintable()):
        raise _invalid(
            f"1 validation error detected: Value '{inference_id}' at 'inferenceId' failed to "
            "satisfy constraint: Member must satisfy regular expression pattern: "
            r"\A\S[\p{Print}]*\z"
        )
    name = members.get("Filename") or f"{inference_id}.out"
    extension = members.get("S3OutputPathExtension", "")
    out, failed = output.get("S3OutputPath"), output.get("S3FailurePath")
    return Invocation(
        key=uuid.uuid4().hex,
        endpoint=endpoint,
        number=0,
        id=inference_id,
        received=now,
        expires=now + members.get("RequestTTLSeconds", DEFAULT_TTL),
        timeout=float(members.get("InvocationTimeoutSeconds", DEFAULT_TIMEOUT)),
        input=members.get("InputLocation", ""),
        inline=base64.b64encode(body).decode() if "InputLocation" not in members else "",
        content_type=members.get("ContentType", ""),
        accept=members.get("Accept", ""),
        custom_attributes=members.get("CustomAttributes", ""),
        output=below(out, extension, name) if out else "",
        failure=below(failed, _error_name(name)) if failed else "",
        config=output,
    )


def _members(endpoint: str, headers: Mapping[str, str]) -> dict[str, Any]:
    members: dict[str, Any] = {"EndpointName": endpoint}
    for header, member in _MEMBERS.items():
        if header not in headers:
            continue
        text = headers[header]
        if member not in _NUMBERS:
            members[member] = text
            continue
        if not _NUMBER.fullmatch(text):
            raise _invalid(f"{member} must be a number of seconds, got '{text}'.")
        members[member] = int(text)
    return members


def _check_payload(members: Mapping[str, Any], body: bytes) -> None:
    if "InputLocation" in members and body:
        raise _invalid(
            "Body and InputLocation are mutually exclusive. Provide exactly one of them."
        )
    if "InputLocation" not in members and not body:
        raise _invalid("Neither Body nor InputLocation is specified. Provide exactly one of them.")
    if len(body) > MOST_INLINE_BYTES:
        raise _invalid(
            f"The inline payload can be up to {MOST_INLINE_BYTES} bytes, got {len(body)} bytes: "
            "store it in Amazon S3 and specify InputLocation."
        )
    if "InputLocation" in members:
        try:
            place = place_of(members["InputLocation"])
        except PlaceError as error:
            raise _invalid(f"InputLocation: {error}.") from None
        if not place.key:
            raise _invalid(f"InputLocation {members['InputLocation']} names no object.")


def _error_name(name: str) -> str:
    return f"{name.rpartition('.')[0] or name}-error.out"


def _invalid(message: str) -> AwsFault:
    return AwsFault("ValidationError", message)
