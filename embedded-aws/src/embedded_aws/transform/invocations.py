"""Payloads to a serving program, with the patience that a job asks for."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

from embedded_aws.hosting.process.server import NotReadyError, Server

DEFAULT_TIMEOUT = 600.0
DEFAULT_RETRIES = 3
# Real seconds before a payload is sent again, doubled each time. A process that died is known to be
# dead a moment after its connections break; a payload that did not wait would find nobody.
FIRST_PAUSE = 0.25
_TICK = 0.05
_TOO_MANY_REQUESTS = 429


class HaltedError(Exception):
    """The job is ended by somebody; nothing more is sent."""


class InvocationError(Exception):
    """A payload got no good answer.

    Args:
        blame: What the job's ``FailureReason`` begins with: ``ClientError``, ``AlgorithmError``.
        words: What the job's log says.
        answer: What the program answered.
    """

    def __init__(self, blame: str, words: str, answer: bytes = b"") -> None:
        super().__init__(words)
        self.blame = blame
        self.answer = answer


class Invocations:
    """The way of payloads to one serving process. Safe to use from many threads.

    What a process does is counted in real seconds, as in hosting: a model does not answer faster
    when the clock runs faster.

    Args:
        server: The process.
        request: Members of ``CreateTransformJob``.
        halted: Set when the job is to end.
    """

    def __init__(self, server: Server, request: Mapping[str, Any], halted: threading.Event) -> None:
        patience = request.get("ModelClientConfig") or {}
        self._server = server
        self._halted = halted
        self._timeout = float(patience.get("InvocationsTimeoutInSeconds", DEFAULT_TIMEOUT))
        self._retries = int(patience.get("InvocationsMaxRetries", DEFAULT_RETRIES))
        content = request["TransformInput"].get("ContentType")
        accept = request["TransformOutput"].get("Accept")
        self._headers = {
            **({"Content-Type": content} if content else {}),
            **({"Accept": accept} if accept else {}),
        }

    def ask(self, payload: bytes) -> bytes:
        """What the program answers.

        Asked again is what got no answer, one of the server's errors, or a 429. That the program
        does not like the payload (any other 4xx) would not change.

        Raises:
            InvocationError: the last try failed, or no other would help.
            HaltedError: the job is to end.
        """
        for retry in range(self._retries):
            try:
                return self._once(payload)
            except InvocationError as error:
                if error.blame == "ClientError":
                    raise
            self._halted.wait(FIRST_PAUSE * 2**retry)
        return self._once(payload)

    def _once(self, payload: bytes) -> bytes:
        self._await_server()
        try:
            answer = self._server.request(
                "POST", "/invocations", self._headers, payload, self._timeout
            )
        except (NotReadyError, OSError) as error:
            if self._halted.is_set():
                raise HaltedError from None
            raise InvocationError("AlgorithmError", _NO_ANSWER) from error
        if 200 <= answer.status < 300:
            return answer.body
        if 400 <= answer.status < 500 and answer.status != _TOO_MANY_REQUESTS:
            raise InvocationError("ClientError", f"ClientError: {answer.status}", answer.body)
        words = f"Bad HTTP status received from algorithm: {answer.status}"
        raise InvocationError("AlgorithmError", words, answer.body)

    def _await_server(self) -> None:
        """A process that died is being started anew: the payload waits for it."""
        deadline = time.monotonic() + self._timeout
        while not self._halted.is_set():
            if self._server.ready:
                return
            if time.monotonic() > deadline:
                raise InvocationError("AlgorithmError", _NO_ANSWER)
            self._halted.wait(_TICK)
        raise HaltedError


_NO_ANSWER = "Unable to get response from algorithm"
