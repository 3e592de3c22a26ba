"""What a service of the embedded AWS receives, answers and raises."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


class AwsFault(Exception):
    """An error that AWS itself would answer.

    Args:
        code: The service's error code, e.g. ``ValidationException``.
        message: The sentence that the service would send.
        status: HTTP status code.
        extra: Further members of the error body (e.g. ``OriginalStatusCode``).
    """

    def __init__(
        self,
        code: str,
        message: str,
        status: int = 400,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.extra = dict(extra or {})


@dataclass(frozen=True)
class Request:
    """One HTTP request, already routed to its service.

    ``service`` is the signing name of the credential scope (``sagemaker``, ``monitoring``, ``s3``
    …); ``action`` the operation where the protocol names it in a header or the body, else "".
    Header names are lower case.
    """

    service: str
    action: str
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    region: str


def json_members(request: Request) -> dict[str, Any]:
    """The members of a request in JSON.

    Raises:
        AwsFault: the body is no JSON object.
    """
    try:
        members = json.loads(request.body or b"{}")
    except ValueError:
        members = None
    if not isinstance(members, dict):
        raise AwsFault("SerializationException", "The request body is not a JSON object.")
    return members


@dataclass(frozen=True)
class Response:
    """One HTTP answer."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Service(Protocol):
    """A service that we implement ourselves."""

    def handle(self, request: Request) -> Response:
        """Answer one request.

        Raises:
            AwsFault: what AWS would answer as an error; the front turns it into the wire format
                of the request's protocol.
        """
        ...

    def close(self) -> None:
        """End every thread and process that the service started."""
        ...
