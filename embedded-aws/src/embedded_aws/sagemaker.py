"""The SageMaker API: JSON 1.1 requests to the handlers of training and hosting, and tags."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from embedded_aws.moto_services import not_implemented
from embedded_aws.protocol import operations
from embedded_aws.protocol.members import refuse_what_has_no_effect
from embedded_aws.protocol.service import Request, Response, json_members
from embedded_aws.protocol.validation import validate_sagemaker
from embedded_aws.state.records import Forgetful, Records
from embedded_aws.tags import Tags

Action = Callable[[dict[str, Any]], dict[str, Any]]
Invoke = Callable[[str, Mapping[str, str], bytes], Response]


class Room(Protocol):
    """A part of SageMaker: training or hosting."""

    def actions(self) -> dict[str, Action]:
        """Handlers by API action; each takes the request's members and returns the answer's.

        Timestamps in answers are unix seconds or aware datetimes.
        """
        ...

    def close(self) -> None:
        """End every thread and process that the room started."""
        ...


class Watcher(Protocol):
    """A service beside SageMaker that has a say in its actions, and hears of them."""

    def check(self, action: str, params: Mapping[str, Any]) -> None:
        """Refuse an action before it is carried out.

        Raises:
            AwsFault: as SageMaker would answer.
        """
        ...

    def observe(self, action: str, params: Mapping[str, Any]) -> None:
        """Hear of an action that was carried out."""
        ...


class SageMaker:
    """The SageMaker control plane and runtime, as one service (`embedded_aws.protocol.service`).

    Args:
        rooms: The parts that bring the actions.
        runtime: Handlers of the runtime by its actions; each takes endpoint name, headers and body
            of one invocation.
        records: Keeps tags; in memory by default.
        watchers: Services that have a say.
    """

    def __init__(
        self,
        rooms: list[Room],
        runtime: Mapping[str, Invoke],
        records: Records | None = None,
        watchers: Sequence[Watcher] = (),
    ) -> None:
        self._rooms = rooms
        self._watchers = watchers
        self._runtime = runtime
        self._tags = Tags(records or Forgetful())
        self._actions: dict[str, Action] = dict(self._tags.actions())
        for room in rooms:
            self._actions.update(room.actions())

    @property
    def actions(self) -> frozenset[str]:
        """What is answered."""
        return frozenset(self._actions)

    def tags_of(self, arn: str) -> dict[str, str]:
        """Tags of a resource by its ARN; none of one that is not there."""
        return self._tags.of(arn)

    def tag(self, arn: str, tags: list[dict[str, str]]) -> None:
        """Tag what one of the rooms has made by itself."""
        self._tags.put(arn, tags)

    def handle(self, request: Request) -> Response:
        """Answer a control-plane action or an invocation.

        Raises:
            AwsFault: as SageMaker would answer.
        """
        if (invoke := self._runtime.get(request.action)) is not None:
            endpoint = operations.invoked_endpoint(request.path)
            if endpoint is not None:
                reply = invoke(endpoint, request.headers, request.body)
                return Response(reply.status, reply.body, {**_request_id(), **reply.headers})
        action = self._actions.get(request.action)
        if action is None:
            raise not_implemented(request)
        params = json_members(request)
        validate_sagemaker(request.action, params)
        refuse_what_has_no_effect(request.action, params)
        for watcher in self._watchers:
            watcher.check(request.action, params)
        answer = action(params)
        self._tags.observe(request.action, params, answer)
        for watcher in self._watchers:
            watcher.observe(request.action, params)
        body = json.dumps(answer, default=_timestamp).encode() if answer else b""
        headers = {"content-type": "application/x-amz-json-1.1", **_request_id()}
        return Response(200, body, headers)

    def close(self) -> None:
        """Close the rooms."""
        for room in self._rooms:
            room.close()


def _request_id() -> dict[str, str]:
    return {"x-amzn-requestid": str(uuid.uuid4())}


def _timestamp(value: object) -> float:
    if isinstance(value, dt.datetime):
        return round(value.timestamp(), 3)
    raise TypeError(f"{type(value).__name__} is not JSON")
