"""A request's body → instances: bounded in bytes and time before it is looked at, and strict."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar, NoReturn

from fastapi import Request
from starlette.requests import ClientDisconnect

from models.runtime.serving.limits import (
    MOST_BODY_BYTES,
    MOST_INSTANCES,
    SMALL_BODY_BYTES,
    ServingLimits,
)
from models.runtime.tables.cells import BadInput, shown

JSON = "application/json"
READ_TYPES = frozenset(
    {
        *("", JSON, "text/plain", "application/x-www-form-urlencoded"),
        *("application/octet-stream", "binary/octet-stream"),
    }
)
"""Content types under which JSON is read: its own, and what HTTP clients say who were told none."""
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")


class Unread(BadInput):
    """A request whose body was not read to its end: its connection can carry no other."""


class TooLong(Unread):
    """A body beyond what is read."""

    status: ClassVar[int] = 413


class TooSlow(Unread):
    """A body that did not come in time."""

    status: ClassVar[int] = 408


class OtherFormat(BadInput):
    """A body that says itself that it is no JSON."""

    status: ClassVar[int] = 415


class Busy(Exception):
    """More wait than are answered in time: nobody's fault but the load's."""


class Bodies:
    """Reads bodies, and knows how much of them is held in memory.

    Args:
        limits: In bytes and seconds.
    """

    def __init__(self, limits: ServingLimits) -> None:
        self._limits = limits
        self._held = 0

    @asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[bytes]:
        """The body of a request, which counts as held until the context ends.

        Raises:
            TooLong: it is, or says that it will be; then none of it is read.
            TooSlow: it took too long.
            Busy: too many long ones are held already.
            Unread: the client went away.
        """
        announced = request.headers.get("content-length", "0")
        if announced.isdecimal() and int(announced[:20]) > MOST_BODY_BYTES:
            raise _too_long()
        body, counted = bytearray(), 0
        try:
            try:
                async with asyncio.timeout(self._limits.body_seconds):
                    async for part in request.stream():
                        body += part
                        if len(body) > MOST_BODY_BYTES:
                            raise _too_long()
                        if len(body) > SMALL_BODY_BYTES:
                            self._held += len(body) - counted
                            counted = len(body)
                            if self._held > self._limits.held_bytes:
                                raise Busy
            except TimeoutError as error:
                raise TooSlow(
                    f"the body did not come within {self._limits.body_seconds:g} s"
                ) from error
            except ClientDisconnect as error:
                raise Unread("the client went away while it sent the body") from error
            yield bytes(body)
        finally:
            self._held -= counted


def require_json(request: Request) -> None:
    """Refuse a body that says itself that it is something else.

    Raises:
        OtherFormat: with what is read.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in READ_TYPES and not kind.endswith("+json"):
        raise OtherFormat(f"the content type is {shown(kind)}; {JSON} is what is read")
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding != "identity":
        raise OtherFormat(f"the content encoding is {shown(coding)}; send {JSON} as it is")


def instances_of(body: bytes) -> list[Any]:
    """The instances of a request.

    Half a character (a lone surrogate), which JSON can carry and no text holds, becomes U+FFFD.

    Raises:
        BadInput: the body is no ``{"instances": […]}`` with something in it.
    """
    try:
        request = _json(body)
        if _HALF.search(body):
            text = json.dumps(request, ensure_ascii=False)
            request = _json(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    except ValueError as error:
        raise BadInput(f"the body is not JSON: {error}") from error
    except (RecursionError, MemoryError) as error:
        raise BadInput("the body is nested too deeply") from error
    instances = request.get("instances") if isinstance(request, dict) else None
    if not isinstance(instances, list) or not instances:
        raise BadInput('expected {"instances": […]} with at least one instance')
    if len(instances) > MOST_INSTANCES:
        raise BadInput(
            f"{len(instances)} instances; at most {MOST_INSTANCES} are answered in one request"
        )
    return instances


def _json(text: bytes | str) -> Any:
    return json.loads(text, parse_constant=_refuse, object_pairs_hook=_object)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys stand there once: of two values nobody knows which was meant."""
    made = dict(pairs)
    if len(made) < len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"the key {shown(twice)} stands twice in one object")
    return made


def _too_long() -> TooLong:
    return TooLong(f"the body is too long; at most {MOST_BODY_BYTES} bytes are read")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON number")
