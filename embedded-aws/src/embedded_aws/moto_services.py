"""Everything that moto does well enough, in this process: S3, SQS, SNS, IAM, Logs and the rest.

moto keeps its state in memory, one for the whole process. It is asked through the same request
handlers as by its own decorators and server, without the web framework between.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import email.utils
import functools
import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, cast

from embedded_aws import s3
from embedded_aws.admission.signatures import is_signed
from embedded_aws.clock import Clock
from embedded_aws.digests import teach_digests
from embedded_aws.events.rules import serving, teach_rules
from embedded_aws.fargate import teach_fargate
from embedded_aws.iam import simulation
from embedded_aws.iam.documents import teach_documents
from embedded_aws.logs.metric_actions import teach_metric_filters
from embedded_aws.logs.metric_filters import Publisher, publisher
from embedded_aws.logs.searching import teach_patterns
from embedded_aws.protocol.service import AwsFault, Request, Response
from embedded_aws.protocol.wire import protocol_of
from embedded_aws.s3.notifications import teach_notifications
from embedded_aws.served import SERVED
from embedded_aws.transactions import teach_transactions
from embedded_aws.world import ACCOUNT_ID, MetricSink

log = logging.getLogger(__name__)

# These tell AWS-visible times that the product compares with its own (virtual) clock. The others
# stay in real time: SQS, because its consumers are real processes; STS, because SDKs judge the
# expiry of credentials by the real clock.
_VIRTUAL = ("s3", "logs", "cloudfront", "events", "ecr")
_ADMITTED = "AWS4-HMAC-SHA256 Credential=everybody/20260101/us-east-1/s3/aws4_request"
_clock: ContextVar[Clock | None] = ContextVar("moto_clock", default=None)

_Handler = Callable[[Any, str, Any], tuple[int, dict[str, Any], Any]]


class Moto:
    """All services that are not ours, as one :class:`~embedded_aws.protocol.service.Service`.

    Args:
        clock: Virtual clock, told by the services in ``_VIRTUAL``.
        metrics: Takes what metric filters publish.
    """

    def __init__(self, clock: Clock, metrics: MetricSink) -> None:
        self._clock = clock
        self._publisher = Publisher(metrics)
        self._handlers: dict[str, list[tuple[re.Pattern[str], _Handler]]] = {}
        # moto checks a condition (If-Match) and then writes, without a lock of its own.
        self._locks = [threading.RLock() for _ in range(1024)]
        _teach_virtual_time()
        teach_rules()  # those of a state folder fire before anybody asks for EventBridge

    def handle(self, request: Request) -> Response:
        """Answer with moto's backend for the service of the credential scope."""
        host = _host(request)
        name = self.backend_name(request)
        if name not in SERVED:
            raise AwsFault(
                "UnknownOperationException",
                f"The embedded AWS has no service {name or request.service!r}.",
                404,
            )
        handlers = self._handlers_of(host)
        if request.service == "iam" and request.action in simulation.ACTIONS:
            return simulation.answer(request)
        url = f"https://{host}{request.path}"
        for pattern, handler in handlers:
            if pattern.match(url):
                return self._ask(handler, request)
        raise not_implemented(request)

    def backend_name(self, request: Request) -> str:
        """The name of moto's backend that answers a request; "" when there is none."""
        return _backend_of(_host(request))

    def close(self) -> None:
        """Nothing runs on its own here."""

    @contextlib.contextmanager
    def itself(self) -> Iterator[None]:
        """Let moto, which others may share, know in whose name it works."""
        clock_before = _clock.set(self._clock)
        publisher_before = publisher.set(self._publisher)
        box_before = serving.set(self)
        try:
            yield
        finally:
            serving.reset(box_before)
            publisher.reset(publisher_before)
            _clock.reset(clock_before)

    def _ask(self, handler: _Handler, request: Request) -> Response:
        with self._lock(request):
            if request.service != "s3":
                return self._answer(handler, request)
            return s3.answer(
                request, self._clock.now(), lambda request: self._answer(handler, request)
            )

    def _answer(self, handler: _Handler, request: Request) -> Response:
        from moto.core.request import Request as MotoRequest
        from werkzeug.exceptions import HTTPException

        headers = dict(request.headers)
        if request.service == "s3" and not is_signed(request):
            # The door has let it in by policy or ACL; moto looks again, and knows less of both.
            headers["authorization"] = _ADMITTED
        host = headers.get("host", "127.0.0.1")
        url = f"http://{host}{request.path}" + (f"?{request.query}" if request.query else "")
        moto_request = MotoRequest.from_primitives(request.method, url, headers, request.body)
        try:
            with self.itself():
                status, reply_headers, body = handler(moto_request, url, moto_request.headers)
        except HTTPException as error:
            status, body = error.code or 500, error.get_body()
            reply_headers = dict(error.get_headers())
        except NotImplementedError as error:
            log.info("%s.%s is not implemented: %s", request.service, request.action, error)
            raise not_implemented(request) from error
        if request.service == "s3":
            # On the clock of Last-Modified: who subtracts the two gets an age.
            date = email.utils.formatdate(self._clock.now(), usegmt=True)
            reply_headers = {**reply_headers, "date": date}
        return _well_formed(request, int(status), reply_headers, body)

    @contextlib.contextmanager
    def _lock(self, request: Request) -> Iterator[None]:
        """One writer at a time per S3 object, and one per DynamoDB."""
        stripes: set[int] = set()
        if request.service == "dynamodb":
            stripes = {0}
        elif request.service == "s3" and request.method not in {"GET", "HEAD"}:
            stripes = {hash(path) % len(self._locks) for path in s3.touched(request)}
        with contextlib.ExitStack() as held:
            for stripe in sorted(stripes):  # in one order, so that no two wait for each other
                held.enter_context(self._locks[stripe])
            yield

    def _handlers_of(self, host: str) -> list[tuple[re.Pattern[str], _Handler]]:
        handlers = self._handlers.get(host)
        if handlers is None:
            handlers = self._handlers[host] = _load_handlers(host)
        return handlers


def teach(service: str) -> None:
    """Let moto's backend of a service do what it lacks. Safe to repeat."""
    for lesson in _LESSONS.get(service, ()):
        lesson()


_LESSONS: dict[str, tuple[Callable[[], None], ...]] = {
    "s3": (teach_notifications,),
    "dynamodb": (teach_transactions,),
    "ecs": (teach_fargate,),
    "kms": (teach_digests,),
    "logs": (teach_patterns, teach_metric_filters),
    "iam": (teach_documents,),
    "cloudformation": (teach_documents,),
}


def reset_moto() -> None:
    """Forget everything that moto remembers."""
    from moto.core.base_backend import BackendDict
    from moto.core.model_instances import reset_model_data

    BackendDict.reset()
    reset_model_data()


def not_implemented(request: Request) -> AwsFault:
    """The error for an operation that nobody here knows."""
    what = request.action or f"{request.method} {request.path}"
    message = f"The embedded AWS does not implement {request.service}: {what}."
    if request.service == "s3":
        return AwsFault("NotImplemented", message, 501)
    if protocol_of(request) in {"json", "cbor", "rest-json"}:
        return AwsFault("UnknownOperationException", message)
    return AwsFault("InvalidAction", message)


def _host(request: Request) -> str:
    """The host name by which moto would know the service."""
    service = request.service
    if service == "dynamodb" and request.headers.get("x-amz-target", "").startswith(
        "DynamoDBStreams"
    ):
        service = "streams.dynamodb"
    elif service == "s3" and request.path.startswith("/v20180820/"):
        service = "s3-control"
    elif service in {"budgets", "cloudfront", "iam"}:
        return f"{service}.amazonaws.com"
    return f"{service}.{request.region}.amazonaws.com"


@functools.cache
def _backend_of(host: str) -> str:
    from moto.backend_index import backend_url_patterns

    names = (name for name, pattern in backend_url_patterns if pattern.match(f"https://{host}"))
    return str(next(names, ""))


def _load_handlers(host: str) -> list[tuple[re.Pattern[str], _Handler]]:
    from moto import backends
    from moto.backend_index import backend_url_patterns
    from moto.core.base_backend import BackendDict

    for service, pattern in backend_url_patterns:
        if not pattern.match(f"https://{host}"):
            continue
        service_backends: Any = cast("Any", backends).get_backend(service)
        if isinstance(service_backends, BackendDict):
            regions = service_backends[ACCOUNT_ID]
            backend = regions["us-east-1" if "us-east-1" in regions else "aws"]
        else:
            backend = service_backends["global"]
        _teach_virtual_time()
        teach(service)
        return [(re.compile(url), handler) for url, handler in backend.urls.items()]
    return []


def _well_formed(request: Request, status: int, headers: Any, body: Any) -> Response:
    """The answer as bytes; a bare HTTP error (HTML, or nothing) becomes an AWS one."""
    data = body.encode() if isinstance(body, str) else bytes(body or b"")
    reply_headers = {
        str(k).lower(): str(v) for k, v in headers.items() if str(k).lower() != "status"
    }
    bare = not data or data[:9].lower() in {b"<!doctype", b"not yet i", b"content-l"}
    if status >= 400 and bare and request.method != "HEAD":
        raise _BARE.get(status, not_implemented)(request)
    return Response(status, data, reply_headers)


_BARE: dict[int, Callable[[Request], AwsFault]] = {
    403: lambda _: AwsFault("AccessDenied", "Access Denied", 403),
    411: lambda _: AwsFault(
        "MissingContentLength", "You must provide the Content-Length HTTP header.", 411
    ),
    412: lambda _: AwsFault(
        "PreconditionFailed", "At least one of the pre-conditions you specified did not hold", 412
    ),
}


def _teach_virtual_time() -> None:
    """Let some of moto's modules ask the clock of the request that they serve."""
    import importlib

    from moto.core import utils

    def utcnow() -> dt.datetime:
        clock = _clock.get()
        if clock is None:
            return dt.datetime.now(dt.UTC).replace(tzinfo=None)
        return dt.datetime.fromtimestamp(clock.now(), dt.UTC).replace(tzinfo=None)

    def unix_time(when: dt.datetime | None = None) -> float:
        return float(utils.unix_time(when or utcnow()))

    def unix_time_millis(when: dt.datetime | None = None) -> float:
        return unix_time(when) * 1000.0

    for service in _VIRTUAL:
        module = importlib.import_module(f"moto.{service}.models")
        for function in (utcnow, unix_time, unix_time_millis):
            if hasattr(module, function.__name__):
                setattr(module, function.__name__, function)
