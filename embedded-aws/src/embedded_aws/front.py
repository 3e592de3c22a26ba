"""The one door: an HTTP/1.1 server that routes each request to the service it was signed for."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from embedded_aws.admission.door import Door
from embedded_aws.admission.hosts import host_name, is_this_machine
from embedded_aws.admission.pages import answer_preflight, bucket_of, readable
from embedded_aws.calls import Call, Calls
from embedded_aws.cdn import is_for_the_edge
from embedded_aws.clock import Clock
from embedded_aws.faults import Faults, LostAnswerError
from embedded_aws.protocol import operations
from embedded_aws.protocol.bodies import (
    is_aws_chunked,
    unwrap_aws_chunked,
    verify_checksums,
)
from embedded_aws.protocol.connections import Listener
from embedded_aws.protocol.service import AwsFault, Request, Response, Service
from embedded_aws.protocol.wire import error_response

log = logging.getLogger(__name__)

ADMIN_PREFIX = "/_embedded/"
_ADMITTED = Response(200, b"")


class Front:
    """Listens on 127.0.0.1 and answers for every service.

    The port is bound at once; requests are answered from :meth:`serve` on.

    Args:
        port: Port to bind, 0 for any free one.
        clock: Virtual clock.
        faults: Asked before and after each action.
        calls: Told of each action.
        door: Asked whom to let in.
        region: That the services given to `serve` are of.
        guard: Asked whether who was let in may do this; by default who is let in may everything.

    Raises:
        OSError: when the port is taken.
    """

    def __init__(
        self,
        port: int,
        clock: Clock,
        faults: Faults,
        calls: Calls,
        door: Door,
        guard: Callable[[Request], None] | None = None,
        region: str = operations.DEFAULT_REGION,
    ) -> None:
        self._clock = clock
        self._faults = faults
        self._calls = calls
        self._door = door
        self._guard = guard
        self._region = region
        self._services: dict[str, Service] = {}
        self._others: Service | None = None
        self._admin: Callable[[Request], Response] | None = None
        self._edge: Callable[[Request], Response] | None = None
        self._server = Listener(("127.0.0.1", port), self.answer)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="front", daemon=True
        )

    @property
    def endpoint_url(self) -> str:
        """Where the embedded AWS answers, without a slash at the end."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def serve(
        self,
        services: Mapping[str, Service],
        others: Service,
        admin: Callable[[Request], Response],
        edge: Callable[[Request], Response],
    ) -> None:
        """Start answering.

        Args:
            services: Services by signing name.
            others: Takes every other signing name.
            admin: Takes what is below ``/_embedded/``.
            edge: Takes what viewers ask of the CDN.
        """
        self._services = dict(services)
        self._others = others
        self._admin = admin
        self._edge = edge
        self._thread.start()

    def close(self) -> None:
        """Stop listening and end every open connection."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def answer(
        self, method: str, target: str, headers: dict[str, str], body: bytes
    ) -> Response | None:
        """Answer one request; None means: close the connection without a word.

        Args:
            method: HTTP method.
            target: Path and query as they came, still percent-encoded.
            headers: Header names in lower case.
            body: With the transfer encoding already taken off.
        """
        path, _, query = target.partition("?")
        if path.startswith(ADMIN_PREFIX) and self._admin is not None:
            request = Request("embedded", "", method, path, query, headers, body, "")
            return self._refusal(request, self._door.check_admin) or self._guarded(
                request, self._admin
            )
        if is_for_the_edge(path, headers) and self._edge is not None:
            request = Request("cdn", "", method, path, query, headers, body, "")
            return self._refusal(request) or self._guarded(request, self._edge)
        region, service = operations.credential_scope(path, query, headers, body)
        asked = Request(service, "", method, path, query, headers, body, region)
        if service == "s3":
            path, headers = _path_style(path, headers)
        action = operations.operation(service, method, path, query, headers, body)
        request = replace(asked, action=action, path=path, headers=headers)
        # What is not let in has no effect at all, also on what is counted.
        if method == "OPTIONS":
            return self._refusal(asked) or self._guarded(
                request, lambda request: answer_preflight(request, bucket_of(request))
            )
        return self._refusal(asked, lambda asked: self._door.check_customer(request, asked)) or (
            self._counted(request)
        )

    def _refusal(
        self, request: Request, check: Callable[[Request], None] = lambda _request: None
    ) -> Response | None:
        """Why a request is not let in; None when it is."""

        def admitted(request: Request) -> Response:
            self._door.check_host(request.headers)
            check(request)
            return _ADMITTED

        response = self._guarded(request, admitted)
        return None if response is _ADMITTED else response

    def _counted(self, request: Request) -> Response | None:
        response = self._guarded(request, self._act)
        status = response.status if response else 0
        error = (response.headers.get("x-amzn-errortype", "") if response else "") or (
            str(status) if status >= 400 else ""
        )
        self._calls.add(Call(self._clock.now(), request.service, request.action, status, error))
        return response

    def _act(self, request: Request) -> Response:
        """Let the service act, and inject faults before and after."""
        if request.service == "s3" and request.method in {"PUT", "POST"}:
            request = _plain_upload(request)
        if self._guard is not None:
            self._guard(request)
        params: Mapping[str, Any] = {}
        if self._faults.any_for(request.service):
            params = operations.parameters_of(request)
        self._faults.before(request.service, request.action, params)
        service = self._services.get(request.service, self._others)
        if request.service in self._services and request.region != self._region:
            raise AwsFault(
                "UnrecognizedClientException",
                f"The embedded AWS has {request.service} in {self._region} alone, and the request "
                f"was signed for {request.region}. Set AWS_REGION to {self._region}, or start it "
                f"with --region {request.region}.",
                403,
            )
        if service is None:
            raise AwsFault("ServiceUnavailable", "The embedded AWS is still starting.", 503)
        response = service.handle(request)
        self._faults.after(request.service, request.action, params)
        if request.service == "s3":
            return readable(response, request, bucket_of(request))
        return response

    def _guarded(self, request: Request, act: Callable[[Request], Response]) -> Response | None:
        try:
            return act(request)
        except AwsFault as fault:
            return error_response(fault, request)
        except LostAnswerError as loss:
            return None if loss.drop else error_response(_internal_failure(), request)
        except Exception:
            log.exception("%s %s failed", request.service, request.action or request.path)
            return error_response(_internal_failure(), request)


def _internal_failure() -> AwsFault:
    return AwsFault("InternalFailure", "We encountered an internal error.", 500)


def _path_style(path: str, headers: dict[str, str]) -> tuple[str, dict[str, str]]:
    """Put the bucket into the path when the client put it into the host name."""
    host = host_name(headers.get("host", ""))
    for suffix in (".localhost", ".amazonaws.com"):
        label = host.removesuffix(suffix)
        if label == host:
            continue
        bucket = label.partition(".s3")[0] if ".s3" in label else label
        if bucket and not bucket.startswith("s3"):
            path = f"/{bucket}{path}"
        return path, {**headers, "host": "localhost"}
    # moto would take the first part of any other name for a bucket.
    return path, headers if is_this_machine(host) else {**headers, "host": "localhost"}


def _plain_upload(request: Request) -> Request:
    headers = dict(request.headers)
    body = request.body
    if is_aws_chunked(headers):
        body = unwrap_aws_chunked(body, headers)
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        # What plain HTTP clients say when nobody told them better; moto would read it as a form.
        headers["content-type"] = "binary/octet-stream"
    verify_checksums(body, headers)
    return Request(
        request.service,
        request.action,
        request.method,
        request.path,
        request.query,
        headers,
        body,
        request.region,
    )
